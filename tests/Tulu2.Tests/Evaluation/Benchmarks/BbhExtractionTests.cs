using Tulu2.Evaluation.Benchmarks.Bbh;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class BbhExtractionTests
{
    private const string Options = "Which?\nOptions:\n(A) apple\n(B) banana split\n(C) The Matrix, Part II";

    /// <summary>
    /// Output, target, question; parity: what open-instruct's Python reads and how its metric judges; fixed: what a person would take, and whether it is the target.
    /// </summary>
    public static TheoryData<string, string, string, string, bool, string, bool> Awkward => new()
    {
        { "So the answer is (B).", "(B)", Options, "(B)", true, "(B)", true },
        { "the answer is (B).", "(B)", Options, "(B)", true, "(B)", true },
        { "The answer is (B)", "(B)", Options, "The answer is (B)", false, "(B)", true },
        { "The answer is B.", "(B)", Options, "B", true, "(B)", true },
        { "|he answer is (B).", "(B)", Options, "(B)", true, "(B)", true },
        { "THE ANSWER IS (B).", "(B)", Options, "THE ANSWER IS (B).", false, "(B)", true },
        { "(B)", "(B)", Options, "(B)", true, "(B)", true },
        { "B", "(B)", Options, "B", true, "(B)", true },
        { "b", "(B)", Options, "b", true, "(B)", true },
        { "B) banana split", "(B)", Options, "B) banana split", false, "(B)", true },
        { "The answer is (B) banana split.", "(B)", Options, "(B) banana split", false, "(B)", true },
        { "The answer is banana split.", "(B)", Options, "banana split", false, "(B)", true },
        { "The answer is (A) or (B).", "(B)", Options, "(A) or (B)", false, "no option", false },
        { "The answer is A or B.", "(A)", Options, "A or B", false, "no option", false },
        { "The answer is not (A). So the answer is (B).", "(B)", Options, "not (A)", false, "(B)", true },
        { "First, the answer is (A). Wait. So the answer is (B).", "(A)", Options, "(A)", true, "(B)", false },
        { "The answer is $\\boxed{B}$.", "(B)", Options, "$\\boxed{B}$", false, "(B)", true },
        { "\\boxed{\\text{(B)}}", "(B)", Options, "\\boxed{\\text{(B)}}", false, "(B)", true },
        { "**Answer:** (B)", "(B)", Options, "**Answer:** (B)", false, "(B)", true },
        { "Option B", "(B)", Options, "Option B", false, "(B)", true },
        { "The correct option: B", "(B)", Options, "The correct option: B", false, "(B)", true },
        { "The answer is:\n(B)", "(B)", Options, "The answer is:\n(B)", false, "(B)", true },
        { "(A) is wrong.\n(B) fits.", "(B)", Options, "(A) is wrong.\n(B) fits.", false, "(B)", true },
        { "(D)", "(B)", Options, "(D)", false, "no option", false },
        { "A pear", "(A)", Options, "A pear", false, "no option", false },
        { "", "(B)", Options, "", false, "no option", false },
        { "The answer is The Matrix, Part II.", "(C)", Options, "The Matrix, Part II", false, "(C)", true },
        { "I think it is (C) for sure", "(C)", Options, "I think it is (C) for sure", false, "(C)", true },
        { "So the answer is True.", "True", "not True", "True", true, "true", true },
        { "True", "True", "q", "True", true, "true", true },
        { "true.", "True", "q", "true.", true, "true", true },
        { "The answer is false", "True", "q", "The answer is false", false, "false", false },
        { "Yes, it is.", "Yes", "q", "Yes, it is.", false, "yes it is", true },
        { "So the answer is No.", "No", "q", "No", true, "no", true },
        { "The answer is Not valid.", "invalid", "q", "Not valid", false, "not valid", false },
        { "The argument is\nvalid", "valid", "q", "The argument is\nvalid", false, "valid", true },
        { "So the answer is -50.", "-50", "q", "-50", true, "-50", true },
        { "So the answer is 50.", "-50", "q", "50", true, "50", false },
        { "The answer is −50.", "-50", "q", "−50", false, "-50", true },
        { "So the answer is 8.0.", "8", "q", "8", true, "8.0", true },
        { "3 + 5 = 8", "8", "q", "3 + 5 = 8", false, "8", true },
        { "So the answer is 1,024.", "1024", "q", "1,024", true, "1024", true },
        { "So the answer is eight.", "8", "q", "eight", false, "no number", false },
        { "So the answer is ] ) }.", "] ) }", "q", "] ) }", true, "])}", true },
        { "So the answer is ) ] }.", "] ) }", "q", ") ] }", true, ")]}", false },
        { "])}", "] ) }", "q", "])}", false, "])}", true },
        { "So the answer is ] ).", "] ) }", "q", "] )", false, "])", false },
        { "So the answer is apple banana cherry.", "apple banana cherry", "q", "apple banana cherry", true, "apple banana cherry", true },
        { "apple, banana, cherry", "apple banana cherry", "q", "apple, banana, cherry", true, "apple banana cherry", true },
        { "The answer is banana apple cherry.", "apple banana cherry", "q", "banana apple cherry", false, "banana apple cherry", false },
        { "apple\nbanana\ncherry", "apple banana cherry", "q", "apple\nbanana\ncherry", false, "apple banana cherry", true },
        { "So the answer is Monsters, Inc.", "Monsters, Inc", "q", "Monsters, Inc", true, "monsters inc", true },
        { "So the answer is Dr. No.", "Dr No", "q", "Dr", false, "dr no", true },
    };

    [Theory]
    [MemberData(nameof(Awkward))]
    public void Awkward_outputs_are_read_as_the_original_reads_them_and_as_they_are_meant(
        string output, string target, string question, string original, bool isExact, string read, bool isRight)
    {
        Assert.Equal(original, BbhAnswer.Original(output));
        Assert.Equal(isExact, BbhAnswer.IsExact(output, target));
        Assert.Equal((isRight, read), (BbhAnswer.IsRight(output, target, question, out var given), given));
    }
}
