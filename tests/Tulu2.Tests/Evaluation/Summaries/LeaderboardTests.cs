using Tulu2.Evaluation.Summaries;
using Xunit;

namespace Tulu2.Tests.Evaluation.Summaries;

public class LeaderboardTests
{
    private static Leaderboard Of(params ModelResults[] models) => Leaderboard.Of(models, ModelsExample.Bootstrap);

    [Fact]
    public void Models_are_ranked_by_the_paper_s_average_and_ties_share_their_ranks()
    {
        var board = Of(ModelsExample.Model("weak", 0.2, 1, 200), ModelsExample.Model("twin-a", 0.6, 2, 200), ModelsExample.Model("strong", 0.9, 3, 200), ModelsExample.Model("twin-b", 0.6, 4, 200));
        Assert.Equal(["mmlu", "gsm8k", "bbh", "tydiqa", "humaneval", "alpaca_eval", "toxigen"], board.Averaged.OrderBy(task => Array.IndexOf(
            ["mmlu", "gsm8k", "bbh", "tydiqa", "humaneval", "alpaca_eval", "toxigen"], task)));
        Assert.Equal(["1", "2–3", "2–3", "4"], board.Entries.Select(entry => entry.Rank));
        Assert.Equal(("strong", "weak"), (board.Entries[0].Model.Name, board.Entries[^1].Model.Name));
        Assert.Equal([1.0, 2, 3, 4], board.Table.Rows.Select(row => row.Cells[0].Value!.Value));
        Assert.Equal(board.Entries[0].Model.Seven.Value!.Value, board.Table.Rows[0].Cells[1].Value!.Value, 1e-9);
    }

    [Fact]
    public void Where_a_model_lacks_a_task_the_rest_is_averaged_and_a_lower_toxicity_is_better()
    {
        var board = Of(ModelsExample.Model("a", 0.4), ModelsExample.Model("b", 0.8).Without("mmlu").With("bbh", result => result with { Limit = 5 }));
        Assert.Equal(["alpaca_eval", "gsm8k", "humaneval", "toxigen", "truthfulqa", "tydiqa"], board.Averaged.Order(StringComparer.Ordinal));
        var tasks = board.Entries[0].Model.Tasks.Where(task => board.Averaged.Contains(task.Result.Task));
        Assert.Equal(tasks.Average(task => task.Result.IsLowerBetter ? 100 - task.Points!.Value : task.Points!.Value), board.Entries[0].Average.Value!.Value, 1e-9);
        Assert.Equal("b", board.Entries[0].Model.Name);
    }

    [Fact]
    public void Without_a_common_task_there_is_no_rank()
    {
        var a = ModelsExample.Model("a", 0.4);
        var board = Of(a with { Tasks = [a.Tasks[0]] }, a with { Name = "b", Tasks = [a.Tasks[1]] });
        Assert.Empty(board.Averaged);
        Assert.All(board.Table.Rows, row => Assert.Equal(TableCell.None, row.Cells[0]));
        Assert.Contains(board.Table.Notes, note => note.Contains("no ranking", StringComparison.Ordinal));
    }
}
