"""From a table of runs to the run that a budget pays for, with what is not known beside it."""

import isoflop as iso

runs = iso.read("sample:tiny")  # your own: iso.read("runs.csv", conventions={"N": "total"})
fit = iso.fit("chinchilla", runs, seed=0)

print(fit.status, *fit.notes, sep="\n  ")
for name in fit.free:
    low, high = fit.interval(name)
    print(f"{name:6} {getattr(fit.law, name):10.4g}   90%: {low:.4g} to {high:.4g}")

budget = 10 * float(runs["C"].max())
plan = iso.plan.spend(fit, C=budget)
print(f"{budget:.3g} FLOP: N = {plan.N.value:.3g}, D = {plan.D.value:.3g}, L = {plan.L.value:.3f}")
for miss in plan.regret:
    print(f"  {miss.factor:4} times that N loses {miss.excess:.4f}")

ahead = iso.forecast(fit, N=plan.N.value, D=plan.D.value)
print(f"forecast {ahead.value:.3f}, {ahead.low:.3f} to {ahead.high:.3f}", *ahead.notes, sep="\n  ")
