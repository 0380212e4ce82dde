seen = sorted(index for index in found[a] if only in (None, index))
print(f"seen in frames {seen}")
word = "yes" if seen else "no"
