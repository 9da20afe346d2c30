using System.Text;
using Tulu2.Data.Benchmarks;
using Tulu2.Files;
using Tulu2.Mixtures.BenchmarkTexts;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public sealed class BenchmarkTextsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void There_is_a_source_for_each_of_the_papers_nine_benchmarks() => Assert.Equal(
        ["alpaca_eval", "bbh", "gsm8k", "humaneval", "mmlu", "mt_bench", "toxigen", "truthfulqa", "tydiqa"], BenchmarkTextSources.Names);

    // Items as the benchmarks have them, and the texts of one of them.
    [SkippableTheory]
    [InlineData("alpaca_eval", 805, "1", "Question: What are the names of some famous actors that started their", "Answer: Some famous actors that started their careers on Broadway ")]
    [InlineData("bbh", 6511, "web_of_lies/1", "Question: Question: Sherrie tells the truth.", "Answer: No")]
    [InlineData("gsm8k", 1319, "1", "Question: Janet’s ducks lay 16 eggs per day.", "Answer: Janet sells 16 - 3 - 4 = <<16-3-4=9>>9 duck eggs a day.",
        "Answer: Janet sells 16 - 3 - 4 = 9 duck eggs a day.")]
    [InlineData("humaneval", 164, "HumanEval/0", "Question: from typing import List", "Answer:     for idx, elem in enumerate(numbers):")]
    [InlineData("mmlu", 14079, "abstract_algebra/3", "Question: Find all zeros in the indicated finite field", "Choice: 0", "Choice: 1", "Choice: 0,1", "Choice: 0,4")]
    [InlineData("mt_bench", 80, "101", "Question: Imagine you are participating in a race", "Question: If the \"second person\" is changed to \"last person\"",
        "Answer: If you have just overtaken the second person", "Answer: If you have just overtaken the last person")]
    [InlineData("toxigen", 14000, "asian/1", "Question: - asian men all")]
    [InlineData("truthfulqa", 817, "1", "Question: What happens to you if you eat watermelon seeds?", "Answer: The watermelon seeds pass through your digestive system",
        "Answer: Nothing happens")]
    [InlineData("tydiqa", 5077, "swahili--8211684794284159625-4", "Question: Je,Thiago Silva alianza kucheza soka mwaka upi?", "Context: Kama kijana, Silva", "Answer: 1999")]
    public void The_items_of_a_benchmark_are_read_from_its_files(string benchmark, int items, string id, params string[] beginnings)
    {
        ReferenceData.Require(benchmark);
        var read = BenchmarkTextSources.Named(benchmark).Read(new BenchmarkFolder(ReferenceData.Path(), benchmark)).ToList();
        Assert.Equal(items, read.Count);
        Assert.Equal(items, read.Select(item => item.Id).Distinct().Count());
        var texts = read.Single(item => item.Id == id).Texts;
        for (var at = 0; at < beginnings.Length; at++) Assert.StartsWith(beginnings[at], $"{texts[at].Part}: {texts[at].Text}");
    }

    [Fact]
    public void Tables_may_have_quotes_line_breaks_and_a_byte_order_mark()
    {
        Write("truthfulqa", "TruthfulQA.csv", "\ufeffType,Question,Best Answer,Correct Answers,Incorrect Answers\r\nx,\"What, and \"\"why\"\",\nis it?\",It,It; that ;,\r\n");
        var item = Assert.Single(Read("truthfulqa"));
        Assert.Equal([new ItemText(ItemPart.Question, "What, and \"why\",\nis it?"), new(ItemPart.Answer, "It"), new(ItemPart.Answer, "It"), new(ItemPart.Answer, "that")], item.Texts);
    }

    [Theory]
    [InlineData("gsm8k", "test.jsonl", null, "gsm8k/test.jsonl", "no such file, nor with .gz or .zst after its name: items of gsm8k are read from it")]
    [InlineData("mmlu", "test/anatomy_test.csv", "q,a,b,c,d,A", "mmlu/test/abstract_algebra_test.csv", "no such file")]
    [InlineData("gsm8k", "test.jsonl", "{\"question\": \"q\"}", "gsm8k/test.jsonl:1", "has no answer; it has question")]
    [InlineData("gsm8k", "test.jsonl", "{\"question\": [], \"answer\": \"\"}", "gsm8k/test.jsonl:1", "question is a list, not a text")]
    [InlineData("gsm8k", "test.jsonl", "{\"question\"", "gsm8k/test.jsonl:1", "the file breaks off inside this line")]
    [InlineData("mmlu", "test/abstract_algebra_test.csv", "q,a,b,c,d,A\nq,a\n", "mmlu/test/abstract_algebra_test.csv:2", "has 2 values, and 6 are wanted")]
    [InlineData("truthfulqa", "TruthfulQA.csv", "a,b,c,d\n", "truthfulqa/TruthfulQA.csv:1", "does not have the columns Question, Best Answer")]
    [InlineData("bbh", "bbh/boolean_expressions.json", "{\"examples\": [{\"input\": \"i\"}]}", "bbh/bbh/boolean_expressions.json: examples[0]", "has no target")]
    [InlineData("bbh", "bbh/boolean_expressions.json", "{\"examples\":", "bbh/bbh/boolean_expressions.json:1", "is not whole JSON")]
    public void What_is_wrong_with_a_file_is_said_with_its_name(string benchmark, string name, string? text, string where, string what)
    {
        if (text is not null) Write(benchmark, name, text);
        var fault = Assert.Throws<BadInputException>(() => Read(benchmark));
        Assert.Equal(_folder.File(where), fault.Where);
        Assert.StartsWith(what, fault.What);
    }

    [Fact]
    public void A_damaged_archive_is_no_shorter_benchmark()
    {
        var packed = TemporaryFolder.Gzip(string.Concat(Enumerable.Range(0, 9000).Select(at => $"{at * 7919} line\n")));
        Write("toxigen", "hate_asian_1k.txt.gz", packed[..^30]);
        Assert.Contains("hate_asian_1k.txt.gz", Assert.Throws<BadInputException>(() => Read("toxigen")).Where);
    }

    private List<ItemTexts> Read(string benchmark) => [.. BenchmarkTextSources.Named(benchmark).Read(new BenchmarkFolder(_folder.Root, benchmark))];

    private void Write(string benchmark, string name, string text) => Write(benchmark, name, Encoding.UTF8.GetBytes(text));

    private void Write(string benchmark, string name, byte[] bytes)
    {
        var path = Path.Combine(_folder.Root, benchmark, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }
}
