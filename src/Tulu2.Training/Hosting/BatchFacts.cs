using Tulu2.Data.Slots;

namespace Tulu2.Training.Hosting;

/// <summary>The token and sequence counts of a run's batches, which are all that a worker needs of the plan; can be sent to another process.</summary>
/// <param name="slotsPerStep">Slots per step.</param>
/// <param name="tokens">[steps] tokens of each step, padding excluded.</param>
/// <param name="lossTokens">[steps * slots] scored tokens of each slot.</param>
/// <param name="items">[steps * slots] sequences (or pairs) in each slot.</param>
/// <param name="chosenLossTokens">[steps] scored tokens of each step's chosen answers; empty: the batches have no pairs.</param>
public sealed class BatchFacts(int slotsPerStep, long[] tokens, long[] lossTokens, int[] items, long[] chosenLossTokens) : IBatchPlan
{
    public int TotalSteps => tokens.Length;
    public int SlotsPerStep => slotsPerStep;

    internal IReadOnlyList<long> StepTokens => tokens;
    internal IReadOnlyList<long> SlotLossTokens => lossTokens;
    internal IReadOnlyList<int> SlotItems => items;
    internal IReadOnlyList<long> StepChosenLossTokens => chosenLossTokens;

    /// <summary>Collects the counts of a plan without reading its tokens.</summary>
    public static BatchFacts Of(IBatchPlan plan)
    {
        var (steps, slots) = (plan.TotalSteps, plan.SlotsPerStep);
        var facts = (Tokens: new long[steps], LossTokens: new long[(long)steps * slots], Items: new int[(long)steps * slots], Chosen: new long[steps]);
        for (var step = 0; step < steps; step++)
        {
            facts.Tokens[step] = plan.Tokens(step + 1);
            facts.Chosen[step] = plan.ChosenLossTokens(step + 1);
            for (var slot = 0; slot < slots; slot++)
            {
                facts.LossTokens[step * slots + slot] = plan.LossTokens(step + 1, slot);
                facts.Items[step * slots + slot] = plan.ItemsOf(step + 1, slot);
            }
        }
        return new BatchFacts(slots, facts.Tokens, facts.LossTokens, facts.Items, Array.TrueForAll(facts.Chosen, tokens => tokens == 0) ? [] : facts.Chosen);
    }

    public long LossTokens(int step) => Sum(lossTokens.AsSpan((step - 1) * slotsPerStep, slotsPerStep));

    public long LossTokens(int step, int slot) => lossTokens[(step - 1) * slotsPerStep + slot];

    public long ChosenLossTokens(int step) => chosenLossTokens.Length == 0 ? 0 : chosenLossTokens[step - 1];

    public long Tokens(int step) => tokens[step - 1];

    public int ItemsOf(int step, int slot) => items[(step - 1) * slotsPerStep + slot];

    public ReadOnlyMemory<int> Sequences(int step, int slot) => throw new NotSupportedException("a worker process knows only the number of sequences in a slot");

    public SlotBatch Read(int step, int slot) => throw new NotSupportedException("a worker process receives its batches by WorkerCommand.Feed");

    private static long Sum(ReadOnlySpan<long> numbers)
    {
        var sum = 0L;
        foreach (var number in numbers) sum += number;
        return sum;
    }
}
