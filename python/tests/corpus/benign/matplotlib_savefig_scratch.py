# prints: True
plt.plot([1, 2, 3]); plt.savefig("plot.png", dpi=80); plt.savefig("plot.pdf"); plt.savefig("plot.svg"); plt.close("all")
import os; print(all(os.path.getsize(f"plot.{e}") > 500 for e in ("png", "pdf", "svg")))
