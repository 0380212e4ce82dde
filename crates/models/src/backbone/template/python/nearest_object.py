anchor = cloud(to, only)
away = {name: gap(cloud(name, only), anchor) for name in candidates}
print({name: round(value, 4) for name, value in away.items()})
order = sorted(away, key=away.get, reverse=farthest)
word = order[0]
