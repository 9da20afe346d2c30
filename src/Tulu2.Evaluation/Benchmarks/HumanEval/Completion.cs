using System.Text.RegularExpressions;

namespace Tulu2.Evaluation.Benchmarks.HumanEval;

/// <summary>What a model wrote after a prompt, as program text. Pure.</summary>
internal static partial class Completion
{
    /// <summary>
    /// With what decoders and chats do to code undone: a code block's fences are taken off, a function that is written again stands by itself, and the first
    /// line gets back the space that a SentencePiece decoder drops.
    /// </summary>
    /// <param name="function">Name of the function that the prompt begins.</param>
    public static string Mend(string completion, string function)
    {
        var code = Fence().Match(completion) is { Success: true } block ? block.Groups["code"].Value : completion;
        // The prompt's own function has a docstring for a body, so another of its name may follow.
        if (Regex.IsMatch(code, $@"^(async +)?def +{Regex.Escape(function)}\b", RegexOptions.Multiline)) return "\n" + code;
        var first = code.Split('\n').FirstOrDefault(line => line.Trim().Length > 0) ?? "";
        var indentation = first.Length - first.TrimStart(' ').Length;
        return indentation % 4 == 3 && code.StartsWith(first, StringComparison.Ordinal) ? " " + code : code;
    }

    // Up to the closing fence, or to the end of an answer that was cut off before it.
    [GeneratedRegex(@"^```[a-zA-Z0-9]*[ \t]*\n(?<code>.*?)(^```|\z)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();
}
