SELECT EXISTS (SELECT FROM fettle.targets WHERE sealed_password IS NOT NULL)
