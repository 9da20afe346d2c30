namespace Tulu2.Data.Slots;

/// <summary>
/// One slot (canonical micro-batch) as the model reads it: the slot's sequences laid end to end in one row of N tokens. Attention never leaves a
/// segment. With packing each segment has its sequence's length; without it all are padded to the slot's longest (padding is never scored). A batch of fewer
/// than 16 rows
/// ends with one more segment of filler tokens, which belongs to no sequence.
/// For preferences segment 2k is the chosen and 2k+1 the rejected side of the slot's pair k. What the two begin with alike may have rows in the chosen side
/// alone (<see cref="Prefixes"/>).
/// </summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Slot">The slot within its step, from 0.</param>
/// <param name="Ids">[N] token ids.</param>
/// <param name="Positions">[N] position ids; they restart with each segment, at 0 or behind its prefix.</param>
/// <param name="SegmentLengths">[segments] rows of each segment, its prefix left out; they add up to N.</param>
/// <param name="ScoredRows">
/// [R] rows of the flat batch whose next token is scored: segment by segment, in each by position. A row of a prefix is there once for each segment.
/// </param>
/// <param name="Targets">[R] the token that each scored row has to predict.</param>
/// <param name="ScoredSegments">[R] the segment that each scored row is scored for.</param>
/// <param name="Sequences">The numbers, in the token store, of the rows (or pairs) in this slot.</param>
/// <param name="Tokens">Real tokens: padding excluded, a prefix counted in each of its segments.</param>
public sealed record SlotBatch(
    int Step,
    int Slot,
    int[] Ids,
    int[] Positions,
    int[] SegmentLengths,
    int[] ScoredRows,
    int[] Targets,
    int[] ScoredSegments,
    int[] Sequences,
    int Tokens)
{
    /// <summary>
    /// [segments] how many tokens a segment begins with that are the first rows of the segment before, which has no prefix itself, and are not repeated.
    /// Segments beyond the array's end have none.
    /// </summary>
    public int[] Prefixes { get; init; } = [];

    /// <summary>
    /// [rows] the label of each unpaired preference: whether its answer is desirable. A batch that has labels has one sequence of each row: their own, or in
    /// <see cref="Mismatched"/> those that are only scored. Empty: there are none.
    /// </summary>
    public bool[] Desirable { get; init; } = [];

    /// <summary>The slot's mismatched sequences, which are scored before the step's gradients are computed; null: the objective needs none.</summary>
    public SlotBatch? Mismatched { get; init; }

    /// <summary>
    /// The mean over the whole step of how much likelier policy than reference finds a mismatched answer (difference of summed log-probabilities). 0 until the rank that
    /// computes the slot's loss knows it.
    /// </summary>
    public double Divergence { get; init; }
}

/// <summary>
/// The order of everything a run reads, as a pure function of (sample lengths, recipe, seed): it does not depend on ranks, and resuming at any
/// step needs no skipping. Safe to call from several threads.
/// </summary>
public interface IBatchPlan
{
    /// <summary>Steps of the whole run.</summary>
    int TotalSteps { get; }

    /// <summary>Slots in every step: global batch / slot size.</summary>
    int SlotsPerStep { get; }

    /// <summary>Scored tokens of a step over all its slots (the denominator of the exact token mean), without reading any token.</summary>
    long LossTokens(int step);

    /// <summary>Scored tokens of one slot.</summary>
    long LossTokens(int step, int slot);

    /// <summary>Scored tokens of the chosen answers of a step, over all its slots and without reading any token; 0 in a plan over rows.</summary>
    long ChosenLossTokens(int step);

    /// <summary>Real tokens of a step.</summary>
    long Tokens(int step);

    /// <summary>Numbers of the rows (or pairs) in one slot.</summary>
    ReadOnlyMemory<int> Sequences(int step, int slot);

    /// <summary>Number of rows (or pairs) in one slot.</summary>
    int ItemsOf(int step, int slot) => Sequences(step, slot).Length;

    /// <summary>How an epoch passes the rows (or pairs), so that whoever sees the steps' numbers can tell whether one is missing or came too often; null: not known.</summary>
    EpochFacts? Epoch => null;

    /// <summary>A rank needs the batches of all its slots of a step before it can compute the first slot's gradient.</summary>
    bool NeedsWholeStep => false;

    /// <summary>Builds the batch of one slot. Reads the token store.</summary>
    SlotBatch Read(int step, int slot);
}
