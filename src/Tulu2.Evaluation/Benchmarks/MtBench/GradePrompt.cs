using System.Text.RegularExpressions;
using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Benchmarks.MtBench;

/// <summary>A prompt of FastChat's <c>judge_prompts.jsonl</c>.</summary>
/// <param name="Template">With places such as <c>{question}</c>, as Python's <c>str.format</c> fills them.</param>
public sealed partial record GradePrompt(string Name, string System, string Template)
{
    /// <param name="turns">[2] questions.</param>
    /// <param name="answers">[2] the model's answers.</param>
    /// <param name="references">[2] null: none.</param>
    public IReadOnlyList<Message> Of(IReadOnlyList<string> turns, IReadOnlyList<string> answers, IReadOnlyList<string>? references)
    {
        var text = Place().Replace(Template, place => place.Value switch
        {
            "{{" => "{",
            "}}" => "}",
            "{question}" or "{question_1}" => turns[0],
            "{question_2}" => turns[1],
            "{answer}" or "{answer_1}" => answers[0],
            "{answer_2}" => answers[1],
            "{ref_answer_1}" => references![0],
            _ => references![1],
        });
        // FastChat's templates for OpenAI's models send no empty system turn.
        return System.Length == 0 ? [new Message(Message.User, text)] : [new Message(Message.System, System), new Message(Message.User, text)];
    }

    [GeneratedRegex(@"\{\{|\}\}|\{(?:question(?:_[12])?|answer(?:_[12])?|ref_answer_[12])\}")]
    private static partial Regex Place();
}
