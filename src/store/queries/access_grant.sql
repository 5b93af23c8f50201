SELECT fettle.access_grant()
