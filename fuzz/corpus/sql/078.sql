select E'\'
