value = sides_of(a)[side]
