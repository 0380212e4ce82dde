# success: an error text beyond the bound
raise ValueError("v" * 50_000_000)
