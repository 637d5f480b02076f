"""The kind `set_pool`: the bounds of a GKE node pool are changed, and a pool at zero gets its first node.

GKE lets one operation at a time work on a cluster, so each pool is a step of its own. It has no precondition for bounds, so
the pool is looked at directly before. The inverse lowers the bounds again and takes no node away: the autoscaler does that
when one is idle.
"""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PreconditionFailed
from blocks.node_pools import NodePoolInfo
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action


class SetPool(Params):
    """Which pool, the bounds it shall have, and those it had when that was planned."""

    name: str
    cluster: str
    minimum: int
    maximum: int
    former_minimum: int
    former_maximum: int
    nodes: int = 0
    """So many nodes of the pool there shall be now, if there are fewer; 0: as many as the autoscaler wants."""

    @property
    def want(self) -> tuple[int, int]:
        """The bounds that it shall have."""
        return self.minimum, self.maximum

    @property
    def former(self) -> tuple[int, int]:
        """The bounds that it had."""
        return self.former_minimum, self.former_maximum


def bounds_words(bounds: tuple[int, int]) -> str:
    """`0 to 10 nodes`."""
    return f"{bounds[0]} to {bounds[1]} nodes"


def pool_action(params: SetPool, step: str, why: str) -> Action:
    """The action that sets one pool."""
    return set_pool.action(
        params,
        step=step,
        target=f"node pool {params.name} of {params.cluster}: {bounds_words(params.want)}",
        precondition=f"it still has {bounds_words(params.former)}",
        undo=f"its bounds are set back to {bounds_words(params.former)}; the autoscaler removes nodes when they are idle",
        why=why,
    )


def pool_now(environment: PipelineEnvironment, params: SetPool) -> NodePoolInfo:
    """The pool. Raises PermanentError for one of another cluster, `NotFound`."""
    if environment.node_pools.cluster != params.cluster:
        raise PreconditionFailed(
            f"Node pool {params.name} was planned for in cluster {params.cluster}, and the environment now says "
            f"{environment.node_pools.cluster}; plan again."
        )
    return environment.node_pools.get(params.name)


def apply_pool(doing: Doing, params: SetPool) -> str:
    """Set bounds, then size, each only where it is not so already.

    Raises:
        PreconditionFailed: the pool has other bounds than were seen.
        PermanentError: GKE could not do it, in its words: no capacity, a quota.
    """
    environment = doing.context.environment
    pools, now = environment.node_pools, pool_now(environment, params)
    bounds = (now.minimum, now.maximum)
    if bounds == params.former and bounds != params.want:
        doing.check()
        pools.set_bounds(params.name, *params.want)
    elif bounds != params.want:
        raise PreconditionFailed(
            f"Node pool {params.name} has {bounds_words(bounds)}, not {bounds_words(params.former)} as when this was "
            "planned; look at it, and run this again."
        )
    if params.nodes > nodes_of(environment, params.name):
        doing.check()
        pools.set_size(params.name, params.nodes)
    return bounds_words(params.want)


def nodes_of(environment: PipelineEnvironment, pool: str) -> int:
    """How many nodes of a pool the cluster has."""
    return sum(node.pool == pool for node in environment.cluster.capacity.nodes())


def look_pool(doing: Doing, params: SetPool) -> str | None:
    """Whether the bounds are as wanted, and the nodes there."""
    environment = doing.context.environment
    try:
        now = pool_now(environment, params)
    except NotFound:
        return None
    if (now.minimum, now.maximum) != params.want or (
        params.nodes and nodes_of(environment, params.name) < params.nodes
    ):
        return None
    return bounds_words(params.want)


def inverse_of_pool(doing: Doing, params: SetPool, _result: str) -> Action | None:
    """The former bounds; nothing for a pool that is gone. Raises NoWayBack when somebody has changed them since."""
    try:
        now = pool_now(doing.context.environment, params)
    except NotFound:
        return None
    bounds = (now.minimum, now.maximum)
    if bounds == params.former:
        return None
    if bounds != params.want:
        raise NoWayBack(f"Node pool {params.name} has {bounds_words(bounds)}: somebody has changed it since.")
    back = SetPool(
        name=params.name, cluster=params.cluster, minimum=params.former_minimum, maximum=params.former_maximum,
        former_minimum=params.minimum, former_maximum=params.maximum,
    )  # fmt: skip
    return pool_action(
        back, f"set {params.name} back", f"it had {bounds_words(params.former)} before run {doing.journal.run}"
    )


set_pool = Kind(
    name="set_pool",
    params=SetPool,
    effect="configure",
    apply=apply_pool,
    look=look_pool,
    inverse=inverse_of_pool,
    by_parts=True,
    task="set_node_pools",
)
