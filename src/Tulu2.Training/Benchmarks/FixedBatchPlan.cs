using Tulu2.Data.Slots;
using Tulu2.Training.Objectives;

namespace Tulu2.Training.Benchmarks;

/// <summary>A plan for benchmarks: the same dense batch in every slot of every step.</summary>
internal sealed class FixedBatchPlan : IBatchPlan
{
    private readonly SlotBatch _batch;
    private readonly int _slots;
    private readonly bool _preferences;

    /// <param name="objective">Where it takes pairs, each two segments are one; where it has mismatched sequences, every other row is desirable.</param>
    public FixedBatchPlan(int sequences, int length, int vocabulary, ObjectiveDescriptor objective, int slots = 1)
    {
        (_slots, _preferences) = (slots, objective.TakesPairs);
        var random = new Random(1);
        var rows = Enumerable.Range(0, sequences * length).ToArray();
        int[] ids = [.. rows.Select(_ => random.Next(3, vocabulary))];
        _batch = new SlotBatch(1, 0, ids, [.. rows.Select(row => row % length)], [.. Enumerable.Repeat(length, sequences)], rows, ids,
            [.. rows.Select(row => row / length)], [.. Enumerable.Range(0, _preferences ? sequences / 2 : sequences)], ids.Length)
        {
            Desirable = objective.HasMismatched ? [.. Enumerable.Range(0, sequences).Select(row => row % 2 == 0)] : [],
        };
        if (objective.HasMismatched) _batch = _batch with { Mismatched = _batch };
    }

    public bool NeedsWholeStep => _batch.Mismatched is not null;

    public int TotalSteps { get; init; } = int.MaxValue;

    public int SlotsPerStep => _slots;

    public long LossTokens(int step) => (long)_slots * _batch.ScoredRows.Length;

    public long LossTokens(int step, int slot) => _batch.ScoredRows.Length;

    public long ChosenLossTokens(int step) => _preferences ? LossTokens(step) / 2 : 0;

    public long Tokens(int step) => (long)_slots * _batch.Tokens;

    public ReadOnlyMemory<int> Sequences(int step, int slot) => _batch.Sequences;

    public SlotBatch Read(int step, int slot) => _batch with { Step = step, Slot = slot };
}
