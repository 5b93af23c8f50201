SELECT fettle.target_remove($1)
