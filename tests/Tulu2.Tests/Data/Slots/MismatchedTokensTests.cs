using FsCheck.Xunit;
using Tulu2.Data.Chat;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Slots;

/// <summary>Every row has a sequence beside it that is its prompt with the answer of another row, the same whatever the step.</summary>
public class MismatchedTokensTests
{
    // Prompt | answer.
    private static readonly Rows Some = new("1 2|3", "1 2|4 5", "6|3", "7 8 9|10 11 12");

    [Fact]
    public void The_answer_is_that_of_the_next_row_with_another_prompt_and_another_answer()
    {
        var tokens = new MismatchedTokens(Some, 100);
        // Row 0 passes over row 1, which has its prompt, and row 2, which has its answer; the last one goes round.
        Assert.Equal([3, 2, 3, 0], Enumerable.Range(0, 4).Select(tokens.OtherOf));
        Assert.Equal(8, tokens.Sequences);
        Assert.Equal([1, 2, 4, 5], tokens.Ids(2).ToArray());
        Assert.Equal([1, 2, 3], tokens.Ids(3).ToArray());
        Assert.Equal([6, 10, 11, 12], tokens.Ids(5).ToArray());
        Assert.Equal([new LossSpan(1, 4)], tokens.Spans(5).ToArray());
        Assert.Equal((4, 3), (tokens.Length(5), tokens.LossTokens(5)));
    }

    [Fact]
    public void A_mismatched_sequence_is_cut_at_the_maximum_length_and_keeps_a_scored_token()
    {
        var tokens = new MismatchedTokens(Some, 4);
        Assert.Equal([1, 2, 10, 11], tokens.Ids(1).ToArray());
        Assert.Equal([new LossSpan(2, 4)], tokens.Spans(1).ToArray());
        Assert.Equal([7, 8, 9, 3], tokens.Ids(7).ToArray());
    }

    [Fact]
    public void Where_all_prompts_are_the_same_the_answers_alone_have_to_differ() =>
        Assert.Equal([2, 2, 3, 0], Enumerable.Range(0, 4).Select(new MismatchedTokens(new Rows("1|2", "1|2", "1|3", "1|4"), 9).OtherOf));

    [Theory]
    [InlineData("there is only one row", "1|2")]
    [InlineData("all 2 rows have the same answer", "1|2", "3|2")]
    public void Rows_that_have_no_other_answer_are_refused_by_name(string reason, params string[] rows)
    {
        var failure = Assert.Throws<BadInputException>(() => new MismatchedTokens(new Rows(rows), 9, "validation.data"));
        Assert.Equal("validation.data", failure.Where);
        Assert.Contains(reason, failure.What);
    }

    [Property(MaxTest = 200)]
    public void It_is_the_first_that_a_search_from_the_row_on_finds(int seed)
    {
        var random = new Random(seed);
        UInt128[] Draw(int count, int values) => [.. Enumerable.Range(0, count).Select(_ => (UInt128)(uint)random.Next(values))];
        var count = random.Next(1, 12);
        var (prompts, answers) = (Draw(count, random.Next(1, 4)), Draw(count, random.Next(1, 4)));
        int? Search(int row, Func<int, bool> fits) => Enumerable.Range(1, count - 1).Select(ahead => (row + ahead) % count).Where(fits).Cast<int?>().FirstOrDefault();
        int?[] expected = [.. Enumerable.Range(0, count).Select(row =>
            Search(row, other => prompts[other] != prompts[row] && answers[other] != answers[row]) ?? Search(row, other => answers[other] != answers[row]))];
        var found = MismatchedTokens.Others(prompts, answers);
        if (expected.Contains(null)) Assert.Null(found);
        else Assert.Equal(expected, found!.Cast<int?>());
    }

    [Fact]
    public void A_slot_has_the_rows_own_sequences_and_a_batch_of_the_mismatched_ones_beside_them()
    {
        var plan = new BatchPlan(new MismatchedTokens(Some, 100), new BatchSettings(4, 2, Shuffle: false, Preferences: true, Steps: 1) { Mismatched = true });
        var batch = plan.Read(1, 0);
        Assert.Equal([0, 1], batch.Sequences);
        Assert.Equal([1, 2, 3, 1, 2, 4, 5], batch.Ids.Take(7));
        Assert.Equal([true, false], batch.Desirable);
        Assert.Equal([1, 2, 10, 11, 12, 1, 2, 3], batch.Mismatched!.Ids.Take(8));
        Assert.Equal([0, 0, 0, 1], batch.Mismatched.ScoredSegments);
        Assert.Equal((3L, 7L, 0L), (plan.LossTokens(1, 0), plan.LossTokens(1), plan.ChosenLossTokens(1)));
        Assert.Equal(Enumerable.Range(0, 8).Sum(sequence => new MismatchedTokens(Some, 100).Length(sequence)), plan.Tokens(1));
        Assert.True(plan.NeedsWholeStep);
        Assert.Equal([1, 2, 3, 1, 2, 10, 11, 12], plan.ReadPairs(0, [0]).Ids.Take(8));
    }

    private sealed class Rows(params string[] rows) : ITokenSource
    {
        private readonly int[][] _ids = [.. rows.Select(row => row.Split('|', ' ').Select(int.Parse).ToArray())];
        private readonly LossSpan[][] _spans =
            [.. rows.Select(row => new[] { new LossSpan(row.Split('|')[0].Split(' ').Length, row.Split('|', ' ').Length) })];

        public int Sequences => _ids.Length;

        public int Length(int sequence) => _ids[sequence].Length;

        public int LossTokens(int sequence) => _spans[sequence][0].Length;

        public ReadOnlySpan<int> Ids(int sequence) => _ids[sequence];

        public ReadOnlySpan<LossSpan> Spans(int sequence) => _spans[sequence];

        public bool Desirable(int item) => item % 2 == 0;
    }
}
