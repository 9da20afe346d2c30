using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Slots;
using Tulu2.Data.Store;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Store;

public sealed class TokenStoreTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_second_opening_tokenises_nothing_and_says_the_same()
    {
        var path = Rows("rows.jsonl", 700, "{\"messages\":[]}", Row("x", new string('u', 900), "too late"), Row("x", "q", new string('a', 900)));
        var (first, firstCalls) = Open(path);
        using (first)
        {
            Assert.True(first.Built);
            Assert.NotEqual(0, firstCalls);
            var (second, calls) = Open(path);
            using (second)
            {
                Assert.False(second.Built);
                Assert.Equal(0, calls);
                Assert.Equal(first.Key, second.Key);
                Assert.Equal(first.Report.Faults, second.Report.Faults);
                Assert.Equal(first.Report with { Faults = [] }, second.Report with { Faults = [] });
                AssertSameContent(first, second);
            }
        }
        Assert.Equal((703L, 701, 1), (first.Report.Rows, first.Report.Used, first.Report.TruncatedRows));
        Assert.Equal([RowFaultKind.Broken, RowFaultKind.NothingToLearn], first.Report.Faults.Select(fault => fault.Kind));
        Assert.Equal([701L, 702L], first.Report.Faults.Select(fault => fault.Location.Line));
    }

    [Fact]
    public void A_cache_may_be_links_to_another_disk()
    {
        var path = Rows("rows.jsonl", 50);
        using (var first = Open(path).Store)
            foreach (var shard in Directory.GetFiles(folder.Root, "*.arrow", SearchOption.AllDirectories))
            {
                File.Move(shard, shard + ".moved");
                File.CreateSymbolicLink(shard, shard + ".moved");
            }
        using var second = Open(path).Store;
        Assert.False(second.Built);
        Assert.Equal(50, second.Items);
    }

    [Fact]
    public void What_is_stored_is_what_the_encoder_gives()
    {
        var path = Rows("rows.jsonl", 300);
        using var store = Open(path).Store;
        var encoder = Encoder(out _);
        var item = 0;
        foreach (var result in RowReader.ReadMessages(path))
        {
            var encoded = encoder.EncodeDialogue(result.Row!.Messages);
            Assert.Equal(encoded.Ids, store.Ids(item).ToArray());
            Assert.Equal(encoded.Spans, store.Spans(item).ToArray());
            Assert.Equal((encoded.Ids.Length, encoded.LossTokens), (store.Length(item), store.LossTokens(item)));
            Assert.Equal(encoded.UntruncatedLength, store.UntruncatedLength(item));
            Assert.Equal((result.Row.Location, result.Row.Dataset), (store.Location(item), store.Dataset(item)));
            item++;
        }
        Assert.Equal(store.Items, item);
        Assert.Equal(store.Report.Tokens, Enumerable.Range(0, item).Sum(store.Length));
        Assert.Equal(store.Report.LossTokens, Enumerable.Range(0, item).Sum(store.LossTokens));
    }

    [Fact]
    public void The_content_does_not_depend_on_threads()
    {
        var path = Rows("rows.jsonl", 1000);
        using var one = TokenStore.Open(new(folder.File("one"), [path], Encoder(out _), RowKind.Messages, Threads: 1));
        using var two = TokenStore.Open(new(folder.File("two"), [path], Encoder(out _), RowKind.Messages, Threads: 2));
        AssertSameContent(one, two);
    }

    [Fact]
    public void Everything_the_tokens_depend_on_is_in_the_key()
    {
        var path = Rows("rows.jsonl", 3);
        var keys = new List<string>
        {
            Key(path), Key(Rows("other.jsonl", 3)), Key(Rows("more.jsonl", 4)), Key(path, maxLength: 401), Key(path, form: ChatForm.Legacy),
            Key(path, kind: RowKind.Preferences), Key(path, tokenizer: "b"),
            TokenStore.KeyOf(new("", [path, path], Encoder(out _), RowKind.Messages)),
        };
        Assert.Equal(keys.Count, keys.Distinct().Count());
        Directory.CreateDirectory(folder.File("moved"));
        File.Copy(path, folder.File("moved/rows.jsonl"));
        Assert.Equal(keys[0], Key(folder.File("moved/rows.jsonl")));
    }

    [Fact]
    public void Faults_of_a_found_store_name_the_files_as_they_are_called_now()
    {
        var path = Rows("rows.jsonl", 1, "nonsense");
        Open(path).Store.Dispose();
        Directory.CreateDirectory(folder.File("moved"));
        File.Move(path, folder.File("moved/rows.jsonl"));
        using var store = Open(folder.File("moved/rows.jsonl")).Store;
        Assert.False(store.Built);
        Assert.Equal(folder.File("moved/rows.jsonl"), Assert.Single(store.Report.Faults).Location.File);
    }

    [Theory]
    [InlineData("tokens-00000.arrow", false)]
    [InlineData("tokens-00000.arrow", true)]
    [InlineData("manifest.json", false)]
    [InlineData("manifest.json", true)]
    public void A_damaged_or_cut_store_is_built_again(string file, bool cut)
    {
        var path = Rows("rows.jsonl", 50);
        string key;
        using (var store = Open(path).Store) key = store.Key;
        var damaged = Path.Combine(folder.File("cache"), key, file);
        var bytes = File.ReadAllBytes(damaged);
        if (cut) bytes = bytes[..(bytes.Length / 2)];
        else bytes.AsSpan(bytes.Length / 3, 8).Fill((byte)'{');
        File.WriteAllBytes(damaged, bytes);
        using var again = Open(path).Store;
        Assert.True(again.Built);
        Assert.Equal(50, again.Items);
    }

    [Fact]
    public void A_cancelled_build_leaves_nothing_behind()
    {
        var path = Rows("rows.jsonl", 2000);
        using var cancel = new CancellationTokenSource();
        var progress = new Immediate(_ => cancel.Cancel());
        Assert.ThrowsAny<OperationCanceledException>(
            () => TokenStore.Open(new(folder.File("cache"), [path], Encoder(out _), RowKind.Messages), progress, cancel.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.File("cache")));
    }

    [Fact]
    public void What_a_killed_build_left_is_removed_by_the_next_one()
    {
        var part = folder.File($"cache/.abc.123{AtomicFile.PartSuffix}");
        Directory.CreateDirectory(part);
        File.WriteAllText(Path.Combine(part, "lock"), "");
        Open(Rows("rows.jsonl", 2)).Store.Dispose();
        Assert.False(Directory.Exists(part));
    }

    [Fact]
    public void What_a_build_left_between_its_lock_and_its_name_is_removed_once_it_is_old()
    {
        var (young, old) = (folder.File($"cache/.abc.1{AtomicFile.PartSuffix}"), folder.File($"cache/.abc.2{AtomicFile.PartSuffix}"));
        Directory.CreateDirectory(young);
        Directory.CreateDirectory(old);
        Directory.SetLastWriteTimeUtc(old, DateTime.UtcNow - AtomicFile.LeftoverAge);
        Open(Rows("rows.jsonl", 2)).Store.Dispose();
        Assert.Equal((true, false), (Directory.Exists(young), Directory.Exists(old)));
    }

    [Fact]
    public void A_sound_store_that_another_process_puts_there_meanwhile_is_left_alone()
    {
        var path = Rows("rows.jsonl", 50);
        var request = new TokenStoreRequest(folder.File("cache"), [path], Encoder(out _), RowKind.Messages);
        TokenStore? other = null;
        var progress = new Immediate(_ =>
        {
            other = TokenStore.Open(request);
            File.WriteAllText(Path.Combine(folder.File("cache"), other.Key, "mark"), "");
        });
        using var store = TokenStore.Open(request, progress);
        using (other) AssertSameContent(other!, store);
        Assert.True(File.Exists(Path.Combine(folder.File("cache"), store.Key, "mark")));
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.File("cache")));
    }

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
        var path = folder.Write("pairs.jsonl", string.Join('\n', lines));
        using var store = TokenStore.Open(new(folder.File("cache"), [path], Encoder(out _), RowKind.Preferences));
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
        using var store = TokenStore.Open(new(folder.File("cache"), [folder.Write("pairs.jsonl", string.Join('\n', lines))], Encoder(out _), RowKind.Preferences));
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
        var path = folder.WriteBytes("cut.jsonl.gz", packed[..(packed.Length - 5)]);
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
        using var nothing = Open(folder.Write("none.jsonl", "\n")).Store;
        Assert.Contains("hold no row", Assert.Throws<BadInputException>(() => nothing.Report.ThrowIfUnusable(false)).What);
        using var broken = Open(folder.Write("broken.jsonl", "x\ny")).Store;
        Assert.Contains("none of the 2 rows", Assert.Throws<BadInputException>(() => broken.Report.ThrowIfUnusable(false)).What);
    }

    [Fact]
    public void A_cache_that_cannot_be_written_and_a_missing_file_are_bad_input()
    {
        var path = Rows("rows.jsonl", 1);
        Assert.Contains("data.cache", Assert.Throws<BadInputException>(
            () => TokenStore.Open(new(path, [path], Encoder(out _), RowKind.Messages))).Fix);
        Assert.Equal("none", Assert.Throws<BadInputException>(
            () => TokenStore.Open(new(folder.File("cache"), ["none"], Encoder(out _), RowKind.Messages))).Where);
    }

    [SkippableFact]
    public void The_real_pairs_are_stored_less_the_dirty_ones()
    {
        var pairs = ReferenceData.Require("ultrafeedback", "train_clean.jsonl.gz");
        using var store = TokenStore.Open(new(folder.File("cache"), [pairs], Encoder(out _, maxLength: 100_000), RowKind.Preferences));
        Assert.Equal((1000L, 994), (store.Report.Rows, store.Report.Used));
        Assert.Equal(0, store.Report.TruncatedRows);
        Assert.Equal(6, store.Report.Count(RowFaultKind.Dirt));
    }

    private static void AssertSameContent(TokenStore left, TokenStore right)
    {
        Assert.Equal(left.Sequences, right.Sequences);
        for (var sequence = 0; sequence < left.Sequences; sequence++)
        {
            Assert.Equal(left.Ids(sequence).ToArray(), right.Ids(sequence).ToArray());
            Assert.Equal(left.Spans(sequence).ToArray(), right.Spans(sequence).ToArray());
        }
    }

    private static string Key(
        string path, int maxLength = 400, ChatForm form = ChatForm.Default, RowKind kind = RowKind.Messages, string tokenizer = "a") =>
        TokenStore.KeyOf(new("", [path], new ChatEncoder(new ChatTokenizer((_, _) => [], 1, 2, tokenizer), form, maxLength), kind));

    private (TokenStore Store, int Calls) Open(string path)
    {
        var encoder = Encoder(out var calls);
        var store = TokenStore.Open(new(folder.File("cache"), [path], encoder, RowKind.Messages));
        return (store, calls[0]);
    }

    private static ChatEncoder Encoder(out int[] calls, int maxLength = 400)
    {
        var count = calls = [0];
        int[] Encode(string text, bool boundary)
        {
            Interlocked.Increment(ref count[0]);
            return [.. text.Select(character => (int)character)];
        }
        return new ChatEncoder(new ChatTokenizer(Encode, 1, 2, "characters"), ChatForm.Default, maxLength);
    }

    private string Rows(string name, int count, params string[] more)
    {
        var rows = Enumerable.Range(0, count).Select(number => Row($"d{number % 3}", $"q{number}", new string('a', 1 + number % 50)));
        return folder.Write(name, string.Join('\n', rows.Concat(more)));
    }

    private static string Row(string dataset, string question, string answer) =>
        $$$"""{"dataset":"{{{dataset}}}","id":"1","messages":[{"role":"user","content":"{{{question}}}"},{"role":"assistant","content":"{{{answer}}}"}]}""";

    private sealed class Immediate(Action<StoreProgress> act) : IProgress<StoreProgress>
    {
        public void Report(StoreProgress value) => act(value);
    }
}
