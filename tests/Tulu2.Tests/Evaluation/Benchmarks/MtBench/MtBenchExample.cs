using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.MtBench;

namespace Tulu2.Tests.Evaluation.Benchmarks.MtBench;

/// <summary>A small folder in the form of FastChat's, with prompts of its own.</summary>
internal sealed class MtBenchExample : IDisposable
{
    public MtBenchExample()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "mt_bench", "reference_answer"));
        File.WriteAllLines(Path.Combine(Folder, "mt_bench", "question.jsonl"),
        [
            """{"question_id": 81, "category": "writing", "turns": ["Write.", "Write more."]}""",
            """{"question_id": 111, "category": "math", "turns": ["1+1?", "2+2?"]}""",
            """{"question_id": 141, "category": "stem", "turns": ["Why?", "Why not?"]}""",
        ]);
        File.WriteAllLines(Path.Combine(Folder, "mt_bench", "reference_answer", "gpt-4.jsonl"),
            ["""{"question_id": 111, "model_id": "gpt-4", "choices": [{"index": 0, "turns": ["two", "four"]}]}"""]);
        File.WriteAllLines(Path.Combine(Folder, "judge_prompts.jsonl"),
        [
            """{"name": "single-v1", "system_prompt": "S1", "prompt_template": "Q {question} A {answer} {{{other}}}"}""",
            """{"name": "single-math-v1", "system_prompt": "", "prompt_template": "Q {question} R {ref_answer_1} A {answer}"}""",
            """{"name": "single-v1-multi-turn", "system_prompt": "S2", "prompt_template": "{question_1}|{answer_1}|{question_2}|{answer_2}"}""",
            """{"name": "single-math-v1-multi-turn", "system_prompt": "S3", "prompt_template": "{ref_answer_1}|{ref_answer_2}|{answer_1}|{answer_2}"}""",
        ]);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("tulu2-mt-bench-").FullName;

    public MtBenchBenchmark Benchmark { get; } = new();

    public BenchmarkInput Input(EvaluationMode mode = EvaluationMode.Parity, bool? chat = null) => new(Folder, new BenchmarkOptions { Mode = mode, Chat = chat }, null);

    public IReadOnlyList<MtBenchBenchmark.Item> Read(EvaluationMode mode = EvaluationMode.Parity, bool? chat = null) => Benchmark.Read(Input(mode, chat)).Items;

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
