sizes = {name: sides_of(name)[side] for name in candidates}
order = sorted(sizes, key=sizes.get, reverse=not smallest)
word = order[0]
