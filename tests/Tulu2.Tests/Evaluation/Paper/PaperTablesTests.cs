using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Paper;
using Xunit;

namespace Tulu2.Tests.Evaluation.Paper;

public class PaperTablesTests
{
    // Averages as computed beside the tables in tulu2-spec 8.1 and 8.2 (known answer 11 of 10.2).
    [Theory]
    [InlineData("GPT-4-0613", 86.90)]
    [InlineData("GPT-3.5-turbo-0613", 77.64)]
    [InlineData("GPT-3.5-turbo-0301", 72.31)]
    [InlineData("Zephyr-beta 7B", 47.40)]
    [InlineData("Xwin-LM 70B", 69.07)]
    [InlineData("Llama-2-Chat 7B", 45.49)]
    [InlineData("Llama-2-Chat 13B", 51.30)]
    [InlineData("Llama-2-Chat 70B", 65.70)]
    [InlineData("TÜLU 2 7B", 54.73)]
    [InlineData("TÜLU 2+DPO 7B", 57.11)]
    [InlineData("TÜLU 2 13B", 61.47)]
    [InlineData("TÜLU 2+DPO 13B", 61.60)]
    [InlineData("TÜLU 2 70B", 73.84)]
    [InlineData("TÜLU 2+DPO 70B", 72.13)]
    public void The_average_of_a_row_of_Table_1_is_that_of_its_seven_numbers(string name, double computed) =>
        Assert.Equal(computed, PaperTables.One.Rows.Single(row => row.Name == name).Computed(PaperColumns.Seven)!.Value, 0.005);

    [Theory]
    [InlineData("ShareGPT only 7B", 47.04)]
    [InlineData("V1 7B", 47.83)]
    [InlineData("V2 7B", 54.16)]
    [InlineData("V1 13B", 55.99)]
    [InlineData("V2 13B", 60.76)]
    [InlineData("V1 70B", 71.52)]
    [InlineData("V2 70B", 72.39)]
    public void The_average_of_a_row_of_Table_2_is_that_of_its_eight_numbers(string name, double computed) =>
        Assert.Equal(computed, PaperTables.Two.Rows.Single(row => row.Name == name).Computed(PaperColumns.Eight)!.Value, 0.0051);

    [Fact]
    public void All_averages_come_out_as_printed_but_one_which_is_marked()
    {
        var rows = PaperTables.All.SelectMany(table => table.Rows.Select(row => (Table: table, Row: row))).Where(pair => pair.Row.Average is not null).ToList();
        Assert.Equal(14 + 7 + 6 + 3, rows.Count);
        Assert.Equal([(1, "TÜLU 2+DPO 7B"), (3, "TÜLU 2+DPO 7B")], rows.Where(pair => pair.Row.IsAverageOff(pair.Table.Averaged)).Select(pair => (pair.Table.Number, pair.Row.Name)));
        Assert.All(rows.Where(pair => pair.Row.Name != "TÜLU 2+DPO 7B"), pair => Assert.Equal(pair.Row.Average!.Value, pair.Row.Computed(pair.Table.Averaged)!.Value, 0.1));
    }

    [Fact]
    public void The_tables_are_those_of_the_paper_and_each_number_says_how_sure_it_is()
    {
        Assert.Equal([1, 2, 3, 4, 5, 6, 8], PaperTables.All.Select(table => table.Number));
        var sft = PaperTables.One.Rows.Single(row => row.Name == "TÜLU 2 7B");
        Assert.Equal(("S", 36.9), (sft[PaperColumn.CodexEval]!.Tag, sft[PaperColumn.CodexEval]!.Value));
        Assert.Null(sft[PaperColumn.Mmlu]!.Tag);
        Assert.False(sft.IsVerified);
        Assert.All(PaperTables.All.Where(table => table.Number is 4 or 6 or 8).SelectMany(table => table.Rows), row => Assert.True(row.IsVerified));
        Assert.Equal("H", PaperTables.Four.Rows[1][PaperColumn.MtBench]!.Tag);
        Assert.Equal(("C", 1614.78), (PaperTables.Four.Rows[7][PaperColumns.Length]!.Tag, PaperTables.Four.Rows[7][PaperColumns.Length]!.Value));
    }

    [Fact]
    public void What_is_not_known_is_absent()
    {
        Assert.Equal(["AlpacaEval", "Average against full"], Names(PaperTables.Five.Rows[0]));
        Assert.Equal(["Average against full"], Names(PaperTables.Five.Rows[2]));
        Assert.Equal(["CodexEval"], Names(PaperTables.Six.Rows[2]));
        Assert.Equal(["Roleplay", "Writing"], Names(PaperTables.EightByCategory.Rows[0]));
        Assert.Null(PaperTables.Five.Rows[0].Computed(PaperColumns.Eight));

        static IEnumerable<string> Names(PaperRow row) =>
            row.Numbers.Keys.Select(measure => measure is PaperMeasure.Score score ? score.Column.ToString() : measure.Name).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Differences_by_DPO_are_those_that_the_summary_states()
    {
        double[] alpaca = [11.2, 10.6, 8.5], tydi = [-1.9, -13.5, -17.8];
        for (var i = 0; i < 3; i++)
        {
            var (sft, dpo) = (PaperTables.Three.Rows[2 * i], PaperTables.Three.Rows[2 * i + 1]);
            Assert.Equal(alpaca[i], dpo[PaperColumn.AlpacaEval]!.Value - sft[PaperColumn.AlpacaEval]!.Value, 1e-9);
            Assert.Equal(tydi[i], dpo[PaperColumn.TydiQa]!.Value - sft[PaperColumn.TydiQa]!.Value, 1e-9);
        }
    }
}
