using Tulu2.Evaluation.Benchmarks.HumanEval;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.HumanEval;

public class CompletionTests
{
    [Theory]
    [InlineData("    return 1\n", "    return 1\n")]
    [InlineData("   return 1\n    # more\n", "    return 1\n    # more\n")]
    [InlineData("       return 1\n", "        return 1\n")]
    [InlineData("\n    return 1", "\n    return 1")]
    [InlineData("\n   return 1", "\n   return 1")]
    [InlineData("return 1", "return 1")]
    [InlineData("", "")]
    [InlineData("\treturn 1", "\treturn 1")]
    [InlineData("```python\n    return 1\n```\nThis returns 1.", "    return 1\n")]
    [InlineData("```\n    return 1\n", "    return 1\n")]
    [InlineData("Sure:\n```python\nimport math\ndef f(x):\n    return 1\n```", "\nimport math\ndef f(x):\n    return 1\n")]
    [InlineData("def f(x):\n    return 1", "\ndef f(x):\n    return 1")]
    [InlineData("    return 1\n\ndef f2(x):\n    pass", "    return 1\n\ndef f2(x):\n    pass")]
    [InlineData("    def f(x):\n        return 1\n    return f", "    def f(x):\n        return 1\n    return f")]
    public void What_decoders_and_chats_do_is_undone(string completion, string mended) => Assert.Equal(mended, Completion.Mend(completion, "f"));
}
