# `order` begins with the one that is closer, or farther if that was asked.
word = "yes" if order[0] == a else "no"
