using Tulu2.Collectives.Layout;

namespace Tulu2.Simulation.Model;

/// <summary>
/// Integers in place of tensors, so that any difference shows. A state is one number of the whole model, which depends on every slot of every step, plus one of the part that its rank
/// holds: a state that comes to a rank of another part is worth nothing there. Twins hold the same part.
/// </summary>
internal sealed class Arithmetic(ParallelLayout layout, int slots)
{
    private readonly List<long> _states = [Initial(0)];
    private readonly Dictionary<int, string> _hashes = [];
    private readonly int _parts = layout.CopySize;

    /// <summary>Parts of which the whole state consists, whatever the number of replicas.</summary>
    public int Parts => _parts;

    /// <summary>The part of a rank: the lowest of its twins.</summary>
    public int PartOf(int rank) => rank % _parts;

    public static long Initial(int part) => unchecked(7 + Salt(part));

    public static long Gradient(int part, long state, int step, int slot) => Mix(unchecked(state - Salt(part)), step, slot);

    public static long Update(int part, long state, long gradient) => unchecked(Mix(state - Salt(part), gradient, 5) + Salt(part));

    /// <summary>The state of a part after so many undisturbed steps.</summary>
    public long Expected(int part, int step)
    {
        while (_states.Count <= step) _states.Add(Update(0, _states[^1], Total(_states[^1], _states.Count)));
        return unchecked(_states[step] - Salt(0) + Salt(part));
    }

    /// <summary>The hash of a step's gradient in an undisturbed run.</summary>
    public string ExpectedHash(int step)
    {
        if (!_hashes.TryGetValue(step, out var hash)) _hashes[step] = hash = Hash(Enumerable.Repeat(Total(Expected(0, step - 1), step), _parts));
        return hash;
    }

    /// <param name="totals">By part: its sum.</param>
    public static string Hash(IEnumerable<long> totals) => $"{totals.Aggregate(17L, (hash, total) => Mix(hash, total, 13)):x16}";

    private long Total(long state, int step)
    {
        var total = 0L;
        for (var slot = 0; slot < slots; slot++) total = unchecked(total + Gradient(0, state, step, slot));
        return total;
    }

    private static long Salt(int part) => Mix(part, 3, 1);

    private static long Mix(long one, long two, long three)
    {
        var mixed = unchecked(((ulong)one * 0x9E3779B97F4A7C15) ^ ((ulong)two * 0xC2B2AE3D27D4EB4F) ^ ((ulong)three * 0x165667B19E3779F9));
        mixed ^= mixed >> 29;
        return unchecked((long)(mixed * 0xBF58476D1CE4E5B9));
    }
}
