namespace Tulu2.Data.Slots;

/// <summary>Every row (or pair) of a source once, in its order, as the slots of a single step: the plan of a validation. The last slot may be shorter than the others.</summary>
/// <param name="slot">Rows (or pairs) per slot.</param>
/// <param name="form">As the slots of training have it.</param>
public sealed class OnePassPlan(ITokenSource source, int slot, SlotForm form) : IBatchPlan, IPairs
{
    private readonly Lazy<(long Tokens, long LossTokens)> _counts = new(() => (
        Enumerable.Range(0, source.Sequences).Sum(sequence => (long)source.Length(sequence)),
        Enumerable.Range(0, source.Sequences).Sum(sequence => (long)source.LossTokens(sequence))));

    public int TotalSteps => 1;

    public int Items => source.Sequences / PerItem;

    public int SlotsPerStep => (Items + slot - 1) / slot;

    private int PerItem => form.Preferences ? 2 : 1;

    public long LossTokens(int step) => _counts.Value.LossTokens;

    public long LossTokens(int step, int slot) => SequencesOf(slot).Sum(sequence => (long)source.LossTokens(sequence));

    public long ChosenLossTokens(int step) => form.Preferences ? Enumerable.Range(0, Items).Sum(pair => (long)source.LossTokens(2 * pair)) : 0;

    public long Tokens(int step) => _counts.Value.Tokens;

    public ReadOnlyMemory<int> Sequences(int step, int slot) => ItemsOf(slot);

    public SlotBatch Read(int step, int slot) => SlotBatchBuilder.Build(source, step, slot, ItemsOf(slot), form);

    public IReadOnlyList<int> UsedItems() => [.. Enumerable.Range(0, Items)];

    public SlotBatch ReadPairs(int number, int[] pairs) => SlotBatchBuilder.Build(source, 0, number, pairs, form);

    /// <summary>The labels of a slot's rows (<see cref="ITokenSource.Desirable"/>).</summary>
    public bool[] Desirable(int slot) => Array.ConvertAll(ItemsOf(slot), source.Desirable);

    /// <summary>Scored tokens of each sequence of a slot, in its order.</summary>
    public int[] ScoredTokens(int slot) => [.. SequencesOf(slot).Select(source.LossTokens)];

    private int[] ItemsOf(int number) => [.. Enumerable.Range(number * slot, Math.Min(slot, Items - number * slot))];

    private IEnumerable<int> SequencesOf(int number) => ItemsOf(number).SelectMany(item => Enumerable.Range(item * PerItem, PerItem));
}
