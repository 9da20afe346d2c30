using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Store;
using Xunit;

namespace Tulu2.Tests.Data.Store;

/// <summary>A folder with a cache, rows to fill it with, and an encoder whose tokens are characters and whose calls are counted.</summary>
public abstract class StoreFixture : IDisposable
{
    private protected TemporaryFolder Folder { get; } = new();

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static void AssertSameContent(TokenStore left, TokenStore right)
    {
        Assert.Equal(left.Sequences, right.Sequences);
        for (var sequence = 0; sequence < left.Sequences; sequence++)
        {
            Assert.Equal(left.Ids(sequence).ToArray(), right.Ids(sequence).ToArray());
            Assert.Equal(left.Spans(sequence).ToArray(), right.Spans(sequence).ToArray());
        }
    }

    private protected (TokenStore Store, int Calls) Open(string path)
    {
        var encoder = Encoder(out var calls);
        var store = TokenStore.Open(new(Folder.File("cache"), [path], encoder, RowKind.Messages));
        return (store, calls[0]);
    }

    private protected static ChatEncoder Encoder(out int[] calls, int maxLength = 400)
    {
        var count = calls = [0];
        int[] Encode(string text, bool boundary)
        {
            Interlocked.Increment(ref count[0]);
            return [.. text.Select(character => (int)character)];
        }
        return new ChatEncoder(new ChatTokenizer(Encode, 1, 2, "characters"), ChatForm.Default, maxLength);
    }

    private protected string Rows(string name, int count, params string[] more)
    {
        var rows = Enumerable.Range(0, count).Select(number => Row($"d{number % 3}", $"q{number}", new string('a', 1 + number % 50)));
        return Folder.Write(name, string.Join('\n', rows.Concat(more)));
    }

    private protected static string Row(string dataset, string question, string answer) =>
        $$$"""{"dataset":"{{{dataset}}}","id":"1","messages":[{"role":"user","content":"{{{question}}}"},{"role":"assistant","content":"{{{answer}}}"}]}""";
}
