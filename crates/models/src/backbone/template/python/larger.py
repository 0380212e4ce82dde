# `order` begins with the one that is larger, or smaller if that was asked.
word = "yes" if order[0] == a else "no"
