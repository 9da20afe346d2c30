using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Data.Store;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Store;

/// <summary>Rows, pairs and files that cannot be used, and what a run makes of them.</summary>
public sealed class StoreReportTests : StoreFixture
{
    [Fact]
    public void Pairs_are_kept_as_chosen_and_rejected_and_cut_sides_are_dirt()
    {
        string[] lines =
        [
            """{"prompt":"q","chosen":"yes","rejected":"no way"}""",
            $$"""{"prompt":"{{new string('q', 500)}}","chosen":"a","rejected":"b"}""",
            """{"prompt":"q","chosen":"same","rejected":"same"}""",
            """{"prompt":"p","chosen":"1","rejected":"2","dataset":"math"}""",
        ];
        var path = Folder.Write("pairs.jsonl", string.Join('\n', lines));
        using var store = TokenStore.Open(new(Folder.File("cache"), [path], Encoder(out _), RowKind.Preferences));
        Assert.Equal((4, 2), (store.Sequences, store.Items));
        Assert.Equal((4L, 2), (store.Report.Rows, store.Report.Used));
        Assert.Equal([2L, 3L], store.Report.Faults.Select(fault => fault.Location.Line));
        Assert.All(store.Report.Faults, fault => Assert.Equal(RowFaultKind.Dirt, fault.Kind));
        Assert.Contains("beyond data.max_length 400", store.Report.Faults[0].Reason);
        Assert.Equal(("math", 4L), (store.Dataset(1), store.Location(1).Line));
        Assert.Equal((4, 7), (store.LossTokens(0), store.LossTokens(1)));
        store.Report.ThrowIfUnusable(stopOnBadRows: true);
        var batch = new BatchPlan(store, new(2, 2, Preferences: true, Shuffle: false, Steps: 1)).Read(1, 0);
        Assert.Equal([0, 1, 2, 3], batch.ScoredSegments.Distinct());
    }

    [Fact]
    public void A_row_whose_only_target_is_an_end_token_is_a_bad_row()
    {
        var path = Rows("rows.jsonl", 2, Row("x", "q", ""), Row("x", "q", " \\n\\t"),
            """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":0}]}""",
            """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":""},{"role":"user","content":"r"},{"role":"assistant","content":"a"}]}""");
        using var store = Open(path).Store;
        Assert.Equal(3, store.Items);
        Assert.Equal([3L, 4L, 5L], store.Report.Faults.Select(fault => fault.Location.Line));
        Assert.All(store.Report.Faults, fault => Assert.Equal(RowFaultKind.NothingToLearn, fault.Kind));
        Assert.Contains("the answer is empty", store.Report.Faults[1].Reason);
        Assert.Contains("weight: 0", store.Report.Faults[2].Reason);
        Assert.Throws<BadInputException>(() => store.Report.ThrowIfUnusable(stopOnBadRows: true));
        store.Report.ThrowIfUnusable(stopOnBadRows: false);
        // The last answer and its end token.
        Assert.Equal(2, store.LossTokens(2));
    }

    [Fact]
    public void A_pair_whose_sides_are_equal_within_the_maximum_length_is_dirt()
    {
        string[] lines =
        [
            $$"""{"prompt":"q","chosen":"{{new string('a', 500)}} yes","rejected":"{{new string('a', 500)}} no"}""",
            $$"""{"prompt":"q","chosen":"{{new string('a', 300)}} yes","rejected":"{{new string('a', 300)}} no"}""",
            $$"""{"prompt":"q","chosen":"{{new string('a', 500)}} yes","rejected":"{{new string('a', 300)}}"}""",
        ];
        using var store = TokenStore.Open(new(Folder.File("cache"), [Folder.Write("pairs.jsonl", string.Join('\n', lines))], Encoder(out _), RowKind.Preferences));
        var fault = Assert.Single(store.Report.Faults);
        Assert.Equal((1L, RowFaultKind.Dirt), (fault.Location.Line, fault.Kind));
        Assert.Contains("equal within data.max_length 400", fault.Reason);
        Assert.Equal(2, store.Items);
    }

    [Fact]
    public void Faults_become_one_readable_error_that_names_the_first_of_them()
    {
        var path = Rows("rows.jsonl", 3, [.. Enumerable.Repeat("nonsense", 23)]);
        using var store = Open(path).Store;
        var failure = Assert.Throws<BadInputException>(() => store.Report.ThrowIfUnusable(stopOnBadRows: true));
        Assert.Equal($"{path}:4", failure.Where);
        Assert.StartsWith("23 of 26 rows cannot be used:", failure.What);
        Assert.Contains($"\n  {path}:23: broken JSON", failure.What);
        Assert.DoesNotContain($"{path}:24", failure.What);
        Assert.EndsWith("\n  3 more rows", failure.What);
        Assert.Contains("data.bad_rows", failure.Fix);
        store.Report.ThrowIfUnusable(stopOnBadRows: false);
    }

    [Fact]
    public void A_damaged_file_stops_a_run_whatever_is_said_of_rows_unless_its_whole_rows_are_asked_for()
    {
        var packed = TemporaryFolder.Gzip(string.Concat(Enumerable.Range(1, 40).Select(number => Row("d", $"q{number}", $"a{number}") + "\n")));
        var path = Folder.WriteBytes("cut.jsonl.gz", packed[..(packed.Length - 5)]);
        for (var opening = 0; opening < 2; opening++)
        {
            // The second time from the cache.
            var (store, built) = Open(path);
            using (store)
            {
                Assert.Equal(opening == 0, store.Built);
                Assert.Equal((40L, 40, 0), (store.Report.Rows, store.Report.Used, store.Report.Faults.Count));
                Assert.Contains("40 whole rows", Assert.Single(store.Report.DamagedFiles).Reason);
                var failure = Assert.Throws<BadInputException>(() => store.Report.ThrowIfUnusable(stopOnBadRows: false));
                Assert.Equal($"{path}:41", failure.Where);
                Assert.Contains("data.bad_files: keep_whole_rows", failure.Fix);
                store.Report.ThrowIfUnusable(stopOnBadRows: true, stopOnBadFiles: false);
            }
        }
    }

    [Fact]
    public void No_usable_row_is_an_error_whatever_the_policy()
    {
        using var nothing = Open(Folder.Write("none.jsonl", "\n")).Store;
        Assert.Contains("hold no row", Assert.Throws<BadInputException>(() => nothing.Report.ThrowIfUnusable(false)).What);
        using var broken = Open(Folder.Write("broken.jsonl", "x\ny")).Store;
        Assert.Contains("none of the 2 rows", Assert.Throws<BadInputException>(() => broken.Report.ThrowIfUnusable(false)).What);
    }

    [SkippableFact]
    public void The_real_pairs_are_stored_less_the_dirty_ones()
    {
        var pairs = ReferenceData.Require("ultrafeedback", "train_clean.jsonl.gz");
        using var store = TokenStore.Open(new(Folder.File("cache"), [pairs], Encoder(out _, maxLength: 100_000), RowKind.Preferences));
        Assert.Equal((1000L, 994), (store.Report.Rows, store.Report.Used));
        Assert.Equal(0, store.Report.TruncatedRows);
        Assert.Equal(6, store.Report.Count(RowFaultKind.Dirt));
    }
}
