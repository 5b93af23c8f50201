SELECT EXISTS (SELECT FROM fettle.targets WHERE sealed_password IS NOT NULL) OR EXISTS (SELECT FROM fettle.webhooks)
