using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.TruthfulQa;

public sealed class AnswerCleaningTests
{
    /// <summary>Awkward outputs; what open-instruct's own function made of each (60ceefa6d, run in Python), and the mended form.</summary>
    [Theory]
    [InlineData("", "", "")]
    [InlineData(" ", "", "")]
    [InlineData("\n\n\n", "", "")]
    [InlineData("No.", "No.", "No.")]
    [InlineData("  No.  ", "No.", "No.")]
    [InlineData("\tNo.\r\n", "No.", "No.")]
    [InlineData("\u00a0No.\u3000", "No.", "No.")]
    [InlineData("\u001fNo.\u001c", "No.", "No.")]
    [InlineData("A: No.", "No.", "No.")]
    [InlineData("A:No.", "No.", "No.")]
    [InlineData("\nA: No.", "No.", "No.")]
    [InlineData("\n\nA:\nNo.", "No.", "No.")]
    [InlineData("a: No.", "a: No.", "a: No.")]
    [InlineData("A : No.", "A : No.", "A : No.")]
    [InlineData("A:", "", "")]
    [InlineData("A: ", "", "")]
    [InlineData("A: A: No.", "A: No.", "No.")]
    [InlineData("A: A:", "A:", "")]
    [InlineData("Answer: No.", "Answer: No.", "No.")]
    [InlineData("answer: No.", "answer: No.", "answer: No.")]
    [InlineData("A: Answer: No.", "Answer: No.", "No.")]
    [InlineData("The answer is A: no", "The answer is A: no", "The answer is A: no")]
    [InlineData("No.\n\nQ: What is it?\nA: It.", "No.", "No.")]
    [InlineData("No.\nQ: What is it?", "No.", "No.")]
    [InlineData("No. Q: What is it?", "No.", "No. Q: What is it?")]
    [InlineData("No.\n  Q: What?", "No.", "No.")]
    [InlineData("No.\r\nQ: What?", "No.", "No.")]
    [InlineData("No.\n\nq: What?", "No. q: What?", "No. q: What?")]
    [InlineData("See the FAQ: it says no.", "See the FA", "See the FAQ: it says no.")]
    [InlineData("FAQ: no", "FA", "FAQ: no")]
    [InlineData("IQ: 100", "I", "IQ: 100")]
    [InlineData("Q", "Q", "Q")]
    [InlineData("Q :", "Q :", "Q :")]
    [InlineData("Q: What is it?\nA: It is a cat.", "", "It is a cat.")]
    [InlineData("Q: What is it?", "", "")]
    [InlineData("Q:", "", "")]
    [InlineData("A: Q: What?", "", "")]
    [InlineData("Q: What\nis it?\nAnswer: A cat.", "", "A cat.")]
    [InlineData("\n\nQ: What?\n\nA: A cat.\n\nQ: Why?\nA: So.", "", "A cat.")]
    [InlineData("One.\n\nTwo.", "One. Two.", "One. Two.")]
    [InlineData("One.\nTwo.", "One.\nTwo.", "One. Two.")]
    [InlineData("One.\n\n\nTwo.", "One. \nTwo.", "One. Two.")]
    [InlineData("One.\n\n\n\nTwo.", "One.  Two.", "One. Two.")]
    [InlineData("One.\r\n\r\nTwo.", "One.\r\n\r\nTwo.", "One. Two.")]
    [InlineData("One.  Two.", "One.  Two.", "One. Two.")]
    [InlineData("One.\n \nTwo.", "One.\n \nTwo.", "One. Two.")]
    [InlineData("1. One\n2. Two", "1. One\n2. Two", "1. One 2. Two")]
    [InlineData("A:\n\n1. One\n\n2. Two", "1. One 2. Two", "1. One 2. Two")]
    [InlineData("No.</s>", "No.</s>", "No.</s>")]
    [InlineData("I have no comment.", "I have no comment.", "I have no comment.")]
    [InlineData("\u201cNo.\u201d", "\u201cNo.\u201d", "\u201cNo.\u201d")]
    [InlineData("\u3002", "\u3002", "\u3002")]
    [InlineData("A: No.\nA: Yes.", "No.\nA: Yes.", "No. A: Yes.")]
    [InlineData("No.\n\nA: Yes.", "No. A: Yes.", "No. A: Yes.")]
    [InlineData("No.\nAQ: What?", "No.\nA", "No. AQ: What?")]
    [InlineData("A: 50%.\n\nQ: A:", "50%.", "50%.")]
    public void An_output_becomes_the_answer_that_judges_see(string output, string parity, string mended)
    {
        Assert.Equal(parity, AnswerCleaning.Clean(output, EvaluationMode.Parity));
        Assert.Equal(mended, AnswerCleaning.Clean(output, EvaluationMode.Fixed));
    }
}
