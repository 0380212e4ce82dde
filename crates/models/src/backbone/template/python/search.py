# Look again for what was not found, under other names.
for name, phrases in other_names.items():
    look_for(name, phrases, frames)
