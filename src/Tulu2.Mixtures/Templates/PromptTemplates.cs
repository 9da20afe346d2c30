using Tulu2.Data.Python;
using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Templates;

/// <summary>
/// The prompts in which the original code puts rows of instruction, input and output: 14 with an input and 14 without, each drawn by its weight
/// (docs/reference/tulu2.md, prompt templates). Their texts are open-instruct's (Apache-2.0), to the letter.
/// </summary>
internal static class PromptTemplates
{
    /// <summary>The slip of the template that asks "Plase answer"; <c>fixed</c> writes "Please".</summary>
    public const string Misspelt = "prompt says Plase";

    /// <summary>Weights of the templates in both lists.</summary>
    public static IReadOnlyList<double> Weights { get; } = [.2, .1, .1, .05, .05, .05, .05, .05, .05, .05, .05, .05, .05, .1];

    /// <summary>What stands before the instruction, between it and the input, and behind the input.</summary>
    public static IReadOnlyList<(string Before, string Between, string After)> WithInput { get; } =
    [
        ("", "\n\n", "\n\n"),
        ("", "\n", "\n\n"),
        ("", "\n", "\n"),
        ("", "\n\nInput: ", "\n\nOutput:"),
        ("", "\nInput: ", "\nOutput:"),
        ("", "\n", "\n\nResponse:"),
        ("", "\n\nAdditional Context:\n", "\n\nAnswer:"),
        ("Task: ", "\nInput: ", "\nOutput:"),
        ("Task: ", "\n\n", "\n\n"),
        ("Task: ", "\n\n", "\n\nAnswer:"),
        ("You need to complete the following task:\n\n", "\n\n", "\n\nAnswer:"),
        ("", "\n\nNow complete the following instance -\nInput: ", "\nOutput:"),
        ("Instruction:", "\n\nInput: ", "\n\n"),
        ("Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the "
            + "request.\n\n### Instruction:\n", "\n\n### Input:\n", "\n\n### Response:"),
    ];

    /// <summary>What stands before and behind the instruction, and before the answer.</summary>
    public static IReadOnlyList<(string Before, string After, string BeforeAnswer)> WithoutInput { get; } =
    [
        ("", "\n\n", ""),
        ("", "\n", ""),
        ("", "", "\n"),
        ("", " Output:", ""),
        ("", "\nResponse:", ""),
        ("", "\n\nAnswer:", ""),
        ("Task: ", "\n\n", ""),
        ("Instruction: ", "\n", ""),
        ("Instruction: ", "\nOutput:", ""),
        ("You need to complete the following task:\n\n", "\n\n", ""),
        ("Can you help with this?\n\n", "\n", ""),
        ("Plase answer the following request: ", "\nAnswer:", ""),
        ("Tell me how would you respond to the following request.\n", "\n", ""),
        ("Write a response that appropriately completes the request.\n\n### Instruction:\n", "\n\n### Response:", ""),
    ];

    /// <summary>Fills in the template that a random number chooses; all three texts lose the white space around them.</summary>
    /// <param name="draw">In [0, 1).</param>
    /// <param name="misspelt">The template with the slip was drawn.</param>
    public static (string Prompt, string Answer) Fill(double draw, bool correct, string instruction, string input, string output, out bool misspelt)
    {
        (instruction, input, output) = (TurnText.Strip(instruction), TurnText.Strip(input), TurnText.Strip(output));
        var chosen = PythonRandom.Choose(draw, Weights);
        misspelt = false;
        if (input != "")
        {
            var with = WithInput[chosen];
            return (with.Before + instruction + with.Between + input + with.After, output);
        }
        var without = WithoutInput[chosen];
        misspelt = without.Before.StartsWith("Plase", StringComparison.Ordinal);
        var before = misspelt && correct ? without.Before.Replace("Plase", "Please", StringComparison.Ordinal) : without.Before;
        return (before + instruction + without.After, without.BeforeAnswer + output);
    }
}
