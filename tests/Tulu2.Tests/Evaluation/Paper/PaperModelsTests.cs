using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Paper;
using Xunit;

namespace Tulu2.Tests.Evaluation.Paper;

public class PaperModelsTests
{
    [Theory]
    [InlineData("allenai/tulu-2-7b", 1, "TÜLU 2 7B")]
    [InlineData("tulu-2-dpo-13b", 1, "TÜLU 2+DPO 13B")]
    [InlineData("TULU 2+DPO 70B", 3, "TÜLU 2+DPO 70B")]
    [InlineData("meta-llama/Llama-2-7b-chat-hf", 1, "Llama-2-Chat 7B")]
    [InlineData("tulu-2-7b", 2, "V2 7B")]
    [InlineData("tulu-v1-llama2-13b", 2, "V1 13B")]
    [InlineData("tulu-2-qlora-7b", 5, "QLoRA 7B")]
    [InlineData("tulu-2-7b", 5, "Full 7B")]
    [InlineData("codetulu-2-34b", 6, "Code TÜLU 2 34B")]
    [InlineData("gpt-4-0613", 1, "GPT-4-0613")]
    [InlineData("codetulu-2-7b", 1, null)]
    [InlineData("tulu-2-qlora-7b", 1, null)]
    [InlineData("tulu-2-8b", 1, null)]
    [InlineData("llama-2-7b", 1, null)]
    [InlineData("demo", 1, null)]
    public void A_model_finds_its_row_by_its_name(string name, int table, string? row) =>
        Assert.Equal(row, PaperModels.Match(PaperTables.All.Single(one => one.Number == table), name, ModelTraits.OfName(name))?.Name);

    [Theory]
    [InlineData("tulu-1.1b", null)]
    [InlineData("tulu-2-7b-step-200", 7)]
    [InlineData("model-70B", 70)]
    [InlineData("b7", null)]
    public void The_size_is_read_of_whole_words(string name, int? billions) => Assert.Equal(billions, ModelTraits.OfName(name).Billions);

    [Theory]
    [InlineData(6_738_415_616, 7)]
    [InlineData(13_015_864_320, 13)]
    [InlineData(33_743_970_304, 34)]
    [InlineData(68_976_648_192, 70)]
    [InlineData(28_000_000, null)]
    public void A_number_of_parameters_is_called_as_names_call_it(long parameters, int? billions) => Assert.Equal(billions, ModelTraits.BillionsOf(parameters));

    [Theory]
    [InlineData(PaperColumn.AlpacaEval, "gpt-4-0613@api.openai.com", true)]
    [InlineData(PaperColumn.AlpacaEval, "stored:alpaca_eval_gpt4", true)]
    [InlineData(PaperColumn.MtBench, "gpt-4@mine.openai.azure.com", true)]
    [InlineData(PaperColumn.MtBench, "gpt-4-1106-preview@api.openai.com", false)]
    [InlineData(PaperColumn.MtBench, "gpt-4@127.0.0.1:8080", false)]
    [InlineData(PaperColumn.AlpacaEval, "gpt-4o@api.openai.com", false)]
    [InlineData(PaperColumn.AlpacaEval, "stored:gpt-4+gpt-4-0613@api.openai.com", true)]
    [InlineData(PaperColumn.AlpacaEval, "stored:gpt-4+local:llama", false)]
    [InlineData(PaperColumn.MtBench, "stored:gpt-4", true)]
    [InlineData(PaperColumn.MtBench, "gpt-4@127.0.0.1:8000", false)]
    [InlineData(PaperColumn.MtBench, "gpt-4-1106-preview", false)]
    [InlineData(PaperColumn.MtBench, "gpt-4-turbo", false)]
    [InlineData(PaperColumn.AlpacaEval, "gpt-4o", false)]
    [InlineData(PaperColumn.AlpacaEval, "gpt-4 (a stub on loopback)", false)]
    [InlineData(PaperColumn.AlpacaEval, "not-gpt-4", false)]
    [InlineData(PaperColumn.AlpacaEval, "", false)]
    [InlineData(PaperColumn.ToxiGen, "local:toxigen_roberta:0123456789ab", true)]
    [InlineData(PaperColumn.ToxiGen, "gpt-4-0613", false)]
    [InlineData(PaperColumn.TruthfulQa, "allenai/truthfulqa-truth-judge-llama2-7B", true)]
    [InlineData(PaperColumn.TruthfulQa, "local:mine-truthfulqa-truth-judge-llama2-7B", false)]
    [InlineData(PaperColumn.Mmlu, "", true)]
    public void Only_a_column_s_own_judge_stands_in_it(PaperColumn column, string judge, bool isOwn) =>
        Assert.Equal(isOwn, PaperJudges.AreOf(column, judge.Length == 0 ? [] : [judge]));
}
