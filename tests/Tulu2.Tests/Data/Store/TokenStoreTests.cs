using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Store;
using Xunit;

namespace Tulu2.Tests.Data.Store;

/// <summary>What is stored, under which key, and how it is found again.</summary>
public sealed class TokenStoreTests : StoreFixture
{
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
            foreach (var shard in Directory.GetFiles(Folder.Root, "*.arrow", SearchOption.AllDirectories))
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
        using var one = TokenStore.Open(new(Folder.File("one"), [path], Encoder(out _), RowKind.Messages, Threads: 1));
        using var two = TokenStore.Open(new(Folder.File("two"), [path], Encoder(out _), RowKind.Messages, Threads: 2));
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
        Directory.CreateDirectory(Folder.File("moved"));
        File.Copy(path, Folder.File("moved/rows.jsonl"));
        Assert.Equal(keys[0], Key(Folder.File("moved/rows.jsonl")));
    }

    [Fact]
    public void Faults_of_a_found_store_name_the_files_as_they_are_called_now()
    {
        var path = Rows("rows.jsonl", 1, "nonsense");
        Open(path).Store.Dispose();
        Directory.CreateDirectory(Folder.File("moved"));
        File.Move(path, Folder.File("moved/rows.jsonl"));
        using var store = Open(Folder.File("moved/rows.jsonl")).Store;
        Assert.False(store.Built);
        Assert.Equal(Folder.File("moved/rows.jsonl"), Assert.Single(store.Report.Faults).Location.File);
    }

    private static string Key(
        string path, int maxLength = 400, ChatForm form = ChatForm.Default, RowKind kind = RowKind.Messages, string tokenizer = "a") =>
        TokenStore.KeyOf(new("", [path], new ChatEncoder(new ChatTokenizer((_, _) => [], 1, 2, tokenizer), form, maxLength), kind));
}
