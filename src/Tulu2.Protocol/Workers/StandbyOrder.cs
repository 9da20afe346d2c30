using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>Which rank keeps a copy of which rank's state, where ranks have no twins (docs/protocol.md, standby copies).</summary>
/// <param name="Keepers">By rank: the rank that keeps its copy; no two ranks have the same one. Empty: there are no copies.</param>
/// <param name="Renewed">Ranks whose keepers do not have the state that the step begins with: each sends it to its keeper after the transfer.</param>
public sealed record StandbyOrder(IReadOnlyList<Rank> Keepers, IReadOnlyList<Rank> Renewed)
{
    public static StandbyOrder None { get; } = new([], []);
}

/// <summary>The copy of a rank's state that another rank keeps.</summary>
/// <param name="Step">Steps applied to it.</param>
public sealed record StandbyCopy(Rank Of, StepNumber Step);
