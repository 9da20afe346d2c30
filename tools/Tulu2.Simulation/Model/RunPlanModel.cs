using Tulu2.Data.Slots;

namespace Tulu2.Simulation.Model;

/// <summary>The steps of a run whose batches are their numbers.</summary>
internal sealed class RunPlanModel(RunShape shape) : IBatchPlan
{
    public int TotalSteps => shape.Steps;
    public int SlotsPerStep => shape.Slots;
    public long LossTokens(int step) => shape.Slots;
    public long LossTokens(int step, int slot) => 1;
    public long ChosenLossTokens(int step) => 0;
    public long Tokens(int step) => shape.Slots;
    public ReadOnlyMemory<int> Sequences(int step, int slot) => new[] { slot };
    public SlotBatch Read(int step, int slot) => Batch(step, slot);

    public static SlotBatch Batch(int step, int slot) => new(step, slot, [], [], [], [], [], [], [], 1);
}
