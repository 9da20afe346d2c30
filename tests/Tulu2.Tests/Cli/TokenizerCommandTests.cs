using System.Text.Json;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary><c>tokenizer encode</c> and <c>decode</c> as programs use them: one JSON value a line.</summary>
public class TokenizerCommandTests
{
    [SkippableFact]
    public async Task Strings_become_ids_and_ids_become_strings_again()
    {
        var model = ReferenceData.Require("llama2_tokenizer");
        string[] texts = ["Hello", "two\nlines", "naïve 🦙", ""];
        var input = string.Join('\n', texts.Select(text => JsonSerializer.Serialize(text)));
        var (code, ids, errors) = await CommandLineTests.RunAsync(input, "tokenizer", "encode", "--tokenizer", model);
        Assert.Equal((ExitCode.Done, ""), (code, errors));
        Assert.StartsWith("[15043]\n", ids);

        var (back, strings, _) = await CommandLineTests.RunAsync(ids, "tokenizer", "decode", "--tokenizer", model);
        Assert.Equal(ExitCode.Done, back);
        Assert.Equal(texts, strings.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string>(line)!));
    }

    [SkippableTheory]
    [InlineData("encode", "\"a\"\nno string", "error: standard input:2\n       is not a JSON string\n")]
    [InlineData("decode", "[1, 99999]", "error: id\n       99999 is not in the vocabulary of 32000\n")]
    public async Task A_line_that_is_none_is_named(string command, string input, string block)
    {
        var (code, _, errors) = await CommandLineTests.RunAsync(input, "tokenizer", command, "--tokenizer", ReferenceData.Require("llama2_tokenizer"));
        Assert.Equal(ExitCode.BadInput, code);
        Assert.StartsWith(block, errors);
    }

    [Fact]
    public async Task A_missing_tokenizer_is_bad_input() =>
        Assert.Equal(ExitCode.BadInput, (await CommandLineTests.RunAsync("", "tokenizer", "encode", "--tokenizer", "/no/such/place")).Code);
}
