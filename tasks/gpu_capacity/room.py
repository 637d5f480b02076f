"""How far node pools may be raised: the policy's ceiling and budget, and what Compute Engine's quota leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from blocks.policy import RemediationPolicy
from tasks.actions.node_pools import SetPool
from tasks.gpu_capacity.evidence import quota_left
from tasks.gpu_capacity.facts import GpuFacts, Pool


@dataclass(slots=True)
class Purse:
    """What one run may still spend; the same purse for all its pools."""

    policy: RemediationPolicy
    cluster: str
    spent: float = 0.0
    """In the currency of the policy's prices."""
    costs: list[str] = field(default_factory=list)
    """What was reckoned, one sentence a pool."""
    short: list[str] = field(default_factory=list)
    """What was wanted and may not be had, and why: one sentence each, for a person."""

    def raised(self, facts: GpuFacts, pool: Pool, wanted: int) -> tuple[SetPool | None, int]:
        """Bounds with which the pool has up to `wanted` nodes more, and how many it gets. (None, 0) when it may have none."""
        info = pool.info
        if not info.autoscaling:
            self.short.append(
                f"Node pool {pool.name} has no autoscaling: resize it by hand, to {len(pool.nodes) + wanted} nodes."
            )
            return None, 0
        allowed, why = self.allowed(facts, pool, wanted)
        maximum = (len(pool.nodes) + allowed) // info.zones_counted
        gained = min(allowed, maximum * info.zones_counted - len(pool.nodes))
        if maximum <= info.maximum or gained <= 0:
            self.short.append(
                f"Node pool {pool.name} would need {wanted} more, and gets none: {why or 'its zones share them'}."
            )
            return None, 0
        if gained < wanted:
            self.short.append(f"Node pool {pool.name} would need {wanted} more, and gets {gained}: {why}.")
        self.pay(pool, gained)
        bounds = (info.minimum, maximum)
        return self.params(pool, bounds), gained

    def first_node(self, facts: GpuFacts, pool: Pool) -> SetPool | None:
        """Bounds with which a pool at zero keeps a node; None when it may have none."""
        allowed, why = self.allowed(facts, pool, 1)
        if not pool.info.autoscaling or not allowed or not pool.info.maximum:
            self.short.append(
                f"Node pool {pool.name} gets no first node: {why or 'its maximum is 0, or it has no autoscaling'}."
            )
            return None
        self.pay(pool, 1)
        return self.params(pool, (max(1, pool.info.minimum), pool.info.maximum), nodes=1)

    def allowed(self, facts: GpuFacts, pool: Pool, wanted: int) -> tuple[int, str]:
        """How many of the wanted nodes the pool may have, and what stops it at that."""
        policy, price = self.policy, self.policy.gpu_node_prices.get(pool.name)
        limits = [(policy.gpu_nodes_most - len(pool.nodes), f"the policy's gpu_nodes_most is {policy.gpu_nodes_most}")]
        if price is None:
            limits.append((0, f"the policy's gpu_node_prices has no price for {pool.name}"))
        elif price > 0:
            left = max(0.0, policy.gpu_budget - self.spent)
            said = f"a node costs {price:g} an hour, so {price * policy.gpu_hours:g} for {policy.gpu_hours:g} h, and "
            limits.append(
                (int(left // (price * policy.gpu_hours)), f"{said}{left:g} is left of the policy's gpu_budget")
            )
        quota = quota_left(facts, pool)
        if quota != float("inf"):
            said = f"the quota {pool.metric} leaves {quota:g} GPUs"
            limits.append((int(quota // max(1, pool.info.per_node)), said))
        most, why = min(limits, key=lambda limit: limit[0])
        return (wanted, "") if most >= wanted else (max(0, most), why)

    def pay(self, pool: Pool, nodes: int) -> None:
        """Reckon so many nodes."""
        price, hours = self.policy.gpu_node_prices[pool.name], self.policy.gpu_hours
        self.spent += nodes * hours * price
        self.costs.append(
            f"{nodes} more in {pool.name}: {nodes} x {hours:g} h x {price:g} = {nodes * hours * price:g} "
            f"of the policy's gpu_budget of {self.policy.gpu_budget:g}."
        )

    def params(self, pool: Pool, bounds: tuple[int, int], nodes: int = 0) -> SetPool:
        """The parameters that set a pool to bounds."""
        return SetPool(
            name=pool.name, cluster=self.cluster, minimum=bounds[0], maximum=bounds[1],
            former_minimum=pool.info.minimum, former_maximum=pool.info.maximum, nodes=nodes,
        )  # fmt: skip
