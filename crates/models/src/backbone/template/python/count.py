at_once = max((masks.num_objects for index, masks in found[a].items() if only in (None, index)), default=0)
print(f"at most {at_once} in one frame")
value = at_once
