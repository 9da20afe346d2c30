using Tulu2.Data.Slots;

namespace Tulu2.Tests.Training.Objectives;

/// <summary>A plan of known counts: the same slots in every step.</summary>
internal sealed class CountedPlan(int steps, int[] lossTokens, Func<int, int, SlotBatch>? read = null, int slotSequences = 1) : IBatchPlan
{
    /// <summary>Scored tokens of the chosen answers of a step.</summary>
    public long ChosenTokens { get; init; }

    public int TotalSteps => steps;
    public int SlotsPerStep => lossTokens.Length;
    public long LossTokens(int step) => lossTokens.Sum();
    public long LossTokens(int step, int slot) => lossTokens[slot];
    public long ChosenLossTokens(int step) => ChosenTokens;
    public long Tokens(int step) => 2L * lossTokens.Sum();
    public ReadOnlyMemory<int> Sequences(int step, int slot) => Enumerable.Range(slot * slotSequences, slotSequences).ToArray();
    public SlotBatch Read(int step, int slot) => read is null ? throw new NotSupportedException() : read(step, slot);
}
