using System.Security.Cryptography;
using System.Text;
using Tulu2.Data.Benchmarks;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.Bbh;
using Tulu2.Evaluation.Benchmarks.Gsm8k;
using Tulu2.Evaluation.Benchmarks.Mmlu;
using Tulu2.Evaluation.Benchmarks.TydiQa;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

/// <summary>
/// Prompts of all real items in parity, against hashes that a Python script gave which follows open-instruct's <c>run_eval.py</c> at 60ceefa6d line by line and formats the chat
/// with its <c>create_prompt_with_tulu_chat_format</c>. A hash covers ids, prompts and expected answers in order, and so the drawn subsets too.
/// </summary>
public sealed class PromptGoldenTests
{
    [SkippableTheory]
    [InlineData(null, true, null, "3a648f2325f36c6c98e4ad42ec93b582c2dc116fcbfef8e050888f67a59533d3")]
    [InlineData(null, false, null, "ee38f995100405bc6ca34a00898d28a6b7227cb90e08a06717aaab967f29d102")]
    [InlineData(8, true, false, "07b05ccd19acbcb786ba828ff75ed8b2ec9c3722fd2e16b77382bcbe0d86757d")]
    [InlineData(0, true, null, "9dd766c7e66e63cda2a07a5b0e066967a8af03b33661bf7829edcebe06331367")]
    [InlineData(5, true, null, "223417b23aeb14f47f0e23b5c2723a3caf7a2f5d9f6086dbad3fd87e78b2725d")]
    public void Gsm8k(int? shots, bool chat, bool? works, string digest)
    {
        var items = TaskRun.Read("gsm8k", new BenchmarkOptions { Shots = shots, Chat = chat, ChainOfThought = works }).Items;
        Assert.Equal((200, "test/1310", "test/1181"), (items.Count, items[0].Id, items[^1].Id));
        Assert.Equal(digest, TaskRun.Digest("gsm8k", items, item => ((Gsm8kBenchmark.Item)item).Expected));
    }

    /// <summary>Appendix A of the specification: the indices, from 0, in the order drawn.</summary>
    [SkippableFact]
    public void The_200_problems_of_GSM8K_are_those_that_Python_draws()
    {
        var indices = TaskRun.Read("gsm8k", new BenchmarkOptions()).Items.Select(item => int.Parse(item.Id["test/".Length..]) - 1).ToList();
        Assert.Equal([1309, 228, 51, 563, 501, 457, 285, 209, 1116, 178], indices.Take(10));
        Assert.Equal("2d58f22b994a781f5eaeebb877f58a9ab231cd57437017f3056523e2a5a25e71",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(',', indices)))));
    }

    [SkippableTheory]
    [InlineData(true, null, "9a16bc31fc32c66aff82b01dc696a851b7455ea17782c7c25b744a9ed430041a")]
    [InlineData(false, null, "2bed90ce1b40aa0c7832c8badb3d5a99cce7634748c43a6365ca22290a9b7042")]
    [InlineData(true, false, "c482bd6e352c79ae3e507dfe0f6432b66911cffb52eb7c7a91d4afdf432ba943")]
    public void Bbh(bool chat, bool? works, string digest)
    {
        var items = TaskRun.Read("bbh", new BenchmarkOptions { Chat = chat, ChainOfThought = works }).Items;
        Assert.Equal((27 * 40, "boolean_expressions/164", "word_sorting/31"), (items.Count, items[0].Id, items[^1].Id));
        Assert.Equal([163, 28, 6, 189, 70, 62, 57, 35, 188, 26], items.Take(10).Select(item => int.Parse(item.Id.Split('/')[1]) - 1));
        Assert.Equal(digest, TaskRun.Digest("bbh", items, item => ((BbhBenchmark.Item)item).Expected));
    }

    [SkippableTheory]
    [InlineData(null, true, "910b4ee4c0b0de0fc9cfa01a819451864d26ae280fffaa6fce0546b04c7f51c9")]
    [InlineData(null, false, "942cf1034c4c8098f7db2d7c37bb7cf31f38a064bc664144bc04be0a1414a3c2")]
    [InlineData(5, true, "89c5b0e65197820ee6e1f5fdbdf447d7e8ad3811214bec8e3922fefc218f0a3c")]
    public void Mmlu(int? shots, bool chat, string digest)
    {
        var items = TaskRun.Read("mmlu", new BenchmarkOptions { Shots = shots, Chat = chat }).Items;
        Assert.Equal((14079, "abstract_algebra/1", "world_religions/171"), (items.Count, items[0].Id, items[^1].Id));
        Assert.Equal(digest, TaskRun.Digest("mmlu", items, item => $"{((MmluBenchmark.Item)item).Expected}"));
    }

    [SkippableTheory]
    [InlineData(null, true, "831d68bb81b3fc2d36453b39a40ca5a8ac69a4a0273657c82d82096d5afb5430")]
    [InlineData(0, true, "7e6c46aac024a8e9fd686335dc1f5fd0938e026bd107ff033cea0d1e942c19c0")]
    [InlineData(null, false, "df17d8da2f559c8fd36a710c48f1cfa1369aa0af4d95d271d3198dc2286929c0")]
    public void TydiQa(int? shots, bool chat, string digest)
    {
        var items = TaskRun.Read("tydiqa", new BenchmarkOptions { Shots = shots, Chat = chat }).Items;
        Assert.Equal((900, "arabic-4449832350126320768-0", "telugu--7027302470399265972-0"), (items.Count, items[0].Id, items[^1].Id));
        Assert.Equal(digest, TaskRun.Digest("tydiqa", items, item => string.Join('|', ((TydiQaBenchmark.Item)item).Expected)));
    }

    [SkippableFact]
    public void A_prompt_of_each_is_read_by_people()
    {
        Assert.Equal("""
            <|user|>
            The following are multiple choice questions (with answers) about  abstract algebra.

            Find the degree for the given field extension Q(sqrt(2), sqrt(3), sqrt(18)) over Q.
            A. 0
            B. 4
            C. 2
            D. 6
            Answer:
            <|assistant|>
            The answer is:
            """, First("mmlu", 0));
        Assert.StartsWith("<|user|>\nAnswer the following questions.\n\nQuestion: There are 15 trees in the grove.", First("gsm8k", 0));
        Assert.Contains(" So the answer is 8.\n\nQuestion: The girls", First("gsm8k", 0));
        Assert.EndsWith(" did they all raise in total?\n<|assistant|>\nAnswer:", First("gsm8k", 0));
        Assert.EndsWith("\n\nQ: not not True and True and not True is\n<|assistant|>\nA:", First("bbh", 0));
        // open-instruct leaves a line feed at the end of the turn.
        Assert.EndsWith("\nВопрос: Что стало причиной Второй Пунической войны?\n\n<|assistant|>\nОтвет:", First("tydiqa", 600));

        static string First(string benchmark, int index) => TaskRun.Rendered(TaskRun.PromptOf(benchmark, TaskRun.Read(benchmark, new BenchmarkOptions()).Items[index]));
    }

    /// <summary>Tokenising a prompt part by part, as the template does, gives what the original's tokenizer gives for the whole text.</summary>
    [SkippableFact]
    public void Tokens_of_a_prompt_are_those_of_its_text()
    {
        var prompts = TaskRun.Llama2();
        foreach (var benchmark in (string[])["mmlu", "gsm8k", "bbh", "tydiqa"])
            foreach (var item in TaskRun.Read(benchmark, new BenchmarkOptions { Limit = 60 }).Items)
            {
                var prompt = TaskRun.PromptOf(benchmark, item);
                int[] whole = [1, .. prompts.Tokenizer.EncodeText(TaskRun.Rendered(prompt), boundary: true)];
                Assert.Equal(whole, prompts.Encode(prompt));
            }
        Assert.Equal([319, 350, 315, 360], ((string[])[" A", " B", " C", " D"]).Select(text => prompts.EncodeContinuation(text)[^1]));
    }

    /// <summary>Against Hugging Face's own library, whose decoding spells a beginning token out and makes each byte of a cut character U+FFFD.</summary>
    [SkippableFact]
    public void Passages_are_cut_as_Hugging_Faces_tokenizer_decodes_them()
    {
        var prompts = TaskRun.Llama2(context: 1 << 20);
        var library = new global::Tokenizers.DotNet.Tokenizer(ReferenceData.Require("llama2_tokenizer", "tokenizer.json"));
        var cut = new PassageCut(prompts, EvaluationMode.Parity);
        var mended = new PassageCut(prompts, EvaluationMode.Fixed);
        var (longer, broken) = (0, 0);
        foreach (var passage in Passages().Distinct())
        {
            int[] ids = [1, .. prompts.Tokenizer.EncodeText(passage, boundary: true)];
            if (ids.Length <= 512)
            {
                Assert.Equal(passage, cut.Cut(passage));
                Assert.Equal(passage, mended.Cut(passage));
                continue;
            }
            longer++;
            var expected = library.Decode([.. ids[1..512].Select(id => (uint)id)]);
            if (expected.EndsWith('\uFFFD')) broken++;
            Assert.Equal($"<s> {expected}", cut.Cut(passage));
            Assert.StartsWith(mended.Cut(passage)[..^1], passage);
            Assert.DoesNotContain('\uFFFD', mended.Cut(passage));
        }
        Assert.True(longer > 100 && broken > 10, $"{longer} passages are cut, {broken} of them within a character");
    }

    private static IEnumerable<string> Passages() => TydiQaFiles.Read(
        BenchmarkFolder.At(ReferenceData.Require("tydiqa"), "tydiqa", "english_tydiqa_dev.json"), TydiQaFiles.Dev,
        TydiQaLanguage.All.Select(language => language.Name)).Where((_, index) => index % 5 == 0).Select(question => question.Passage);
}
