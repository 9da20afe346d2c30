using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>How the ranks of a generation come to the same parameters and optimizer state.</summary>
public abstract record StateTransfer
{
    private StateTransfer() { }

    /// <summary>All have it.</summary>
    public sealed record None : StateTransfer;

    /// <summary>Initial weights, zero moments: step 0.</summary>
    public sealed record FromRecipe : StateTransfer;

    /// <summary>All load this manifest.</summary>
    public sealed record FromManifest(string Path) : StateTransfer;

    /// <summary>Ranks that have the state give it to those that do not, over the data plane. Copies are disjoint; a rank in none of them has it.</summary>
    public sealed record FromPeer(IReadOnlyList<PeerCopy> Copies) : StateTransfer;
}

/// <summary>
/// One rank's state to others that need the same: all of them are <see cref="Collectives.Layout.ParallelLayout.Twins"/>. Or, where they are no twins, the standby copy that
/// the root keeps of its only receiver.
/// </summary>
public sealed record PeerCopy(Rank Root, IReadOnlyList<Rank> Receivers);
