# prints: 2.0
print(round(float(optimize.minimize(lambda x:(x[0]-2)**2,[0.0]).x[0]),2))
