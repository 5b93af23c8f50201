SELECT EXISTS (SELECT FROM fettle.scheduled_changes WHERE state = 'waiting')
