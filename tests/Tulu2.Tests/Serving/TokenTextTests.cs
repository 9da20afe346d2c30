using Tulu2.Serving.Served;
using Xunit;

namespace Tulu2.Tests.Serving;

public class TokenTextTests
{
    private static readonly TokenText Text = new(ServedFake.Tokenizer);

    [Fact]
    public void A_token_is_its_text_its_name_or_its_byte()
    {
        Assert.Equal("</s>", Text.Of(ServedFake.Tokenizer.EndId));
        var letter = ServedFake.Tokenizer.IdOf("<0x41>")!.Value;
        Assert.Equal("A", Text.Of(letter));
        var half = ServedFake.Tokenizer.IdOf("<0xE2>")!.Value;
        Assert.Equal(@"bytes:\xe2", Text.Of(half));
        Assert.Equal([0xE2], Text.BytesOf(half));
        // Beyond the vocabulary.
        Assert.Equal("\uFFFD", Text.Of(int.MaxValue));
    }

    [Fact]
    public void The_bytes_of_tokens_are_those_of_the_text()
    {
        const string Written = "naïve 漢字 🙂 end";
        var ids = ServedFake.Tokenizer.EncodeText(Written, boundary: false);
        Assert.Equal(System.Text.Encoding.UTF8.GetBytes(Written), ids.SelectMany(Text.BytesOf));
    }
}
