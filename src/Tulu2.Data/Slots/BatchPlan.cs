using Tulu2.Files;

namespace Tulu2.Data.Slots;

/// <summary>
/// The batches of a run, as a pure function of (lengths and loss counts of the sequences, settings). Each epoch is a different permutation; rows that do not
/// fill a last step are dropped, different ones in each epoch. A step never crosses an epoch's end.
/// </summary>
public sealed class BatchPlan : IBatchPlan, IPairs
{
    private readonly ITokenSource source;
    private readonly BatchSettings settings;
    private readonly SampleOrder order;
    private readonly int items;

    /// <exception cref="BadInputException">The slot does not divide the global batch, or there are fewer rows than one step needs.</exception>
    public BatchPlan(ITokenSource source, BatchSettings settings)
    {
        (this.source, this.settings) = (source, settings);
        items = settings.Preferences ? source.Sequences / 2 : source.Sequences;
        var noun = settings.Preferences && !settings.Mismatched ? "pair" : "row";
        if (settings.Global < 1) throw new BadInputException("batch.global", $"is {settings.Global}", "give at least 1");
        if (settings.Slot < 1) throw new BadInputException("batch.slot", $"is {settings.Slot}", "give at least 1");
        if (settings.Global % settings.Slot != 0)
            throw new BadInputException("batch.slot", $"{settings.Slot} does not divide batch.global {settings.Global}",
                "choose a slot that divides the global batch");
        order = new SampleOrder(settings.Shares is { Count: > 0 } shares ? shares : [new EpochShare(0, items, items)], settings.Seed, settings.Shuffle);
        if (order.Length < settings.Global)
            throw new BadInputException("batch.global",
                $"one step takes {NumberText.Count(settings.Global, noun)} but an epoch has {NumberText.Count(order.Length, $"usable {noun}")}",
                $"lower batch.global to at most {order.Length} or give more data");
        StepsPerEpoch = order.Length / settings.Global;
        TotalSteps = StepsOf(settings.Epochs, settings.Steps);
    }

    public int TotalSteps { get; }

    /// <summary>Whole steps in one pass over the data.</summary>
    public int StepsPerEpoch { get; }

    public int SlotsPerStep => settings.Global / settings.Slot;

    /// <summary>Number of rows (or pairs), whether or not an epoch passes them.</summary>
    public int Items => items;

    /// <summary>Rows (or pairs) that an epoch passes, each counted as often as it is passed.</summary>
    public int ItemsPerEpoch => order.Length;

    public EpochFacts Epoch => new(StepsPerEpoch, ItemsPerEpoch, order.MostPasses);

    public bool NeedsWholeStep => settings.Mismatched;

    public long LossTokens(int step) => Sum(StepItems(step).Span, source.LossTokens, ofMismatched: false);

    public long LossTokens(int step, int slot) => Sum(Sequences(step, slot).Span, source.LossTokens, ofMismatched: false);

    public long ChosenLossTokens(int step)
    {
        var sum = 0L;
        if (!settings.Preferences || settings.Mismatched) return sum;
        foreach (var pair in StepItems(step).Span) sum += source.LossTokens(2 * pair);
        return sum;
    }

    public long Tokens(int step) => Sum(StepItems(step).Span, source.Length, ofMismatched: true);

    public ReadOnlyMemory<int> Sequences(int step, int slot)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, SlotsPerStep);
        var stepItems = StepItems(step);
        return (settings.Packing ? stepItems : ByLength(stepItems)).Slice(slot * settings.Slot, settings.Slot);
    }

    public SlotBatch Read(int step, int slot)
    {
        var chosen = Sequences(step, slot).ToArray();
        return settings.Mismatched ? SlotBatchBuilder.BuildApart(source, step, slot, chosen, settings.Form) : SlotBatchBuilder.Build(source, step, slot, chosen, settings.Form);
    }

    /// <summary>Rows (or pairs) that the run uses, in the order of their first use.</summary>
    public IReadOnlyList<int> UsedItems()
    {
        var seen = new bool[items];
        var used = new List<int>();
        for (var (epoch, steps) = (0, TotalSteps); steps > 0 && used.Count < items; epoch++, steps -= StepsPerEpoch)
        {
            foreach (var item in order.Epoch(epoch)[..(Math.Min(steps, StepsPerEpoch) * settings.Global)].Span)
            {
                if (!seen[item]) used.Add(item);
                seen[item] = true;
            }
            if (order.IsConstant) break;
        }
        return used;
    }

    /// <summary>The slot with the most rows among those of the first few epochs, without reading any token.</summary>
    public (int Step, int Slot) LargestSlot()
    {
        const int epochs = 4;
        var (largest, most) = ((1, 0), 0L);
        for (var step = 1; step <= Math.Min(TotalSteps, order.IsConstant ? StepsPerEpoch : epochs * (long)StepsPerEpoch); step++)
        {
            var stepItems = settings.Packing ? StepItems(step) : ByLength(StepItems(step));
            for (var slot = 0; slot < SlotsPerStep; slot++)
            {
                var chosen = stepItems.Slice(slot * settings.Slot, settings.Slot).Span;
                // Unpacked sequences are padded to the longest, which is the last one's.
                var rows = settings.Packing ? Sum(chosen, source.Length, ofMismatched: false) : chosen.Length * (long)Longest(chosen[^1]);
                if (rows > most) (largest, most) = ((step, slot), rows);
            }
        }
        return largest;
    }

    /// <summary>Some pairs as one batch, packed or padded as slots are, for the reference pass. Its step is 0.</summary>
    /// <param name="number">The batch's slot number.</param>
    public SlotBatch ReadPairs(int number, int[] pairs)
    {
        if (!settings.Preferences) throw new InvalidOperationException("only a plan over preferences has pairs");
        ArgumentOutOfRangeException.ThrowIfZero(pairs.Length);
        return SlotBatchBuilder.Build(source, 0, number, pairs, settings.Form);
    }

    /// <summary>Steps of a run over these rows, from either a number of passes or a number of steps.</summary>
    public int StepsOf(double? passes, int? count)
    {
        if (count is null == passes is null)
            throw new BadInputException("epochs", count is null ? "neither epochs nor steps is given" : "both epochs and steps are given",
                "give one of them");
        if (count is { } steps)
            return steps >= 1 ? steps : throw new BadInputException("steps", $"is {steps}", "give at least 1");
        var epochs = passes!.Value;
        if (!(epochs > 0)) throw new BadInputException("epochs", $"is {epochs}", "give a number above 0");
        // The small addend keeps a fraction such as 0.1 x 30 steps from losing a step to rounding.
        var total = Math.Floor(epochs * StepsPerEpoch + 1e-6);
        if (total < 1)
            throw new BadInputException("epochs", $"{epochs} of {NumberText.Count(StepsPerEpoch, "step")} an epoch is less than one step",
                "give more epochs, or steps");
        if (total > int.MaxValue) throw new BadInputException("epochs", $"{epochs} epochs are more steps than can be counted", "give fewer epochs");
        return (int)total;
    }

    private ReadOnlyMemory<int> StepItems(int step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(step, TotalSteps);
        var (epoch, within) = Math.DivRem(step - 1, StepsPerEpoch);
        return order.Epoch(epoch).Slice(within * settings.Global, settings.Global);
    }

    private ReadOnlyMemory<int> ByLength(ReadOnlyMemory<int> stepItems)
    {
        // OrderBy is stable: equal lengths keep the epoch's order.
        return stepItems.ToArray().OrderBy(Longest).ToArray();
    }

    private int Longest(int item) =>
        settings.Preferences ? Math.Max(source.Length(2 * item), source.Length(2 * item + 1)) : source.Length(item);

    /// <param name="ofMismatched">Mismatched sequences count too: they are read, although no loss is of them.</param>
    private long Sum(ReadOnlySpan<int> chosen, Func<int, int> count, bool ofMismatched)
    {
        var sum = 0L;
        foreach (var item in chosen)
        {
            if (settings.Mismatched && !ofMismatched) sum += count(2 * item);
            else if (settings.Preferences) sum += count(2 * item) + (long)count(2 * item + 1);
            else sum += count(item);
        }
        return sum;
    }
}
