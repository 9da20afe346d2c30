using System.Collections.Immutable;

namespace Tulu2.Protocol.GradientSync;

/// <summary>A state and what is to be done on the way to it, in order.</summary>
public sealed record Decision(GradientSyncState Next, ImmutableArray<SyncEffect> Effects)
{
    public Decision Then(Func<GradientSyncState, Decision> more)
    {
        var (next, effects) = more(Next);
        return new Decision(next, Effects.AddRange(effects));
    }

    public Decision When(bool condition, Func<GradientSyncState, Decision> more) => condition ? Then(more) : this;

    public Decision Do(params IEnumerable<SyncEffect> effects) => this with { Effects = Effects.AddRange(effects) };
}
