using Tulu2.Evaluation.Requests;
using Xunit;

namespace Tulu2.Tests.Evaluation.Execution;

/// <summary>What a check sees of a program: its results, arguments and exceptions, as if both were one module.</summary>
public class HonestProgramTests(RunnerFixture runner) : IClassFixture<RunnerFixture>
{
    // The first of each is returned by the program; the second is a condition of result r that holds in one module.
    public static TheoryData<string, string> Results => new()
    {
        { "None", "r is None" },
        { "True", "r is True and type(r) is bool" },
        { "7", "r == 7 and type(r) is int" },
        { "7.0", "r == 7 and type(r) is float" },
        { "0.1 + 0.2", "r == 0.1 + 0.2 and r != 0.3" },
        { "-0.0", "str(r) == '-0.0'" },
        { "float('nan')", "r != r" },
        { "float('-inf')", "r == float('-inf')" },
        { "10 ** 6000 + 1", "r == 10 ** 6000 + 1" },
        { "-2 ** 64", "r == -2 ** 64" },
        { "1 + 2j", "r == 1 + 2j" },
        { "'h\\u00e9llo \\U0001F600 \\ud800'", "r == 'h\\u00e9llo \\U0001F600 \\ud800'" },
        { "b'\\x00\\xff'", "r == b'\\x00\\xff'" },
        { "[1, (2, [3]), {'a': {4}}]", "r == [1, (2, [3]), {'a': {4}}] and type(r[1]) is tuple" },
        { "(1, 2)", "r == (1, 2) and r != [1, 2]" },
        { "{1: 'a', 'b': 2.5, (3, 4): None}", "r == {1: 'a', 'b': 2.5, (3, 4): None}" },
        { "frozenset({1, 2})", "r == {1, 2}" },
        { "range(3)", "r == range(3) and r != [0, 1, 2] and list(r) == [0, 1, 2]" },
        { "{'a': 1}.keys()", "r == {'a'} and list(r) == ['a']" },
        { "{'a': 1}.values()", "r != [1] and list(r) == [1]" },
        { "map(str, [1, 2])", "r != ['1', '2'] and list(r) == ['1', '2'] and list(r) == []" },
        { "(x for x in 'ab')", "''.join(r) == 'ab'" },
        { "collections.Counter('aab')", "r == {'a': 2, 'b': 1}" },
        { "collections.OrderedDict(a=1)", "r == {'a': 1}" },
        { "collections.namedtuple('P', 'x y')(1, 2)", "r == (1, 2)" },
        { "collections.deque([1, 2])", "r == collections.deque([1, 2]) and r != [1, 2]" },
        { "fractions.Fraction(1, 3)", "r == fractions.Fraction(1, 3)" },
        { "fractions.Fraction(4, 2)", "r == 2" },
        { "decimal.Decimal('1.10')", "r == decimal.Decimal('1.1')" },
        { "datetime.date(2024, 2, 29)", "r == datetime.date(2024, 2, 29)" },
        { "object()", "r is not None and r != 'x' and r == r" },
        { "len", "r != len" },
    };

    private const string Imports = "import collections, datetime, decimal, fractions\n";

    [SkippableTheory]
    [MemberData(nameof(Results))]
    public void A_result_is_judged_as_in_one_module(string result, string holds)
    {
        var outcome = runner.Run($"{Imports}def f():\n    return {result}\n", $"{Imports}r = f()\nassert {holds}, repr(r)\n");
        Assert.Equal("passed", outcome.Why);
    }

    [SkippableTheory]
    [InlineData("list.sort(x)", "x = [3, 1, 2]", "x == [1, 2, 3]")]
    [InlineData("x.update(b=2)", "x = {'a': 1}", "x == {'a': 1, 'b': 2}")]
    [InlineData("x.discard(1)", "x = {1, 2}", "x == {2}")]
    [InlineData("x[0].append(1)", "x = [[]]", "x == [[1]]")]
    [InlineData("x = [9]", "x = [3]", "x == [3]")]
    public void What_a_program_does_to_its_arguments_is_seen(string does, string before, string holds) =>
        Assert.Equal("passed", runner.Run($"def f(x):\n    {does}\n", $"{before}\nassert f(x) is None\nassert {holds}, repr(x)\n").Why);

    [SkippableFact]
    public void Keywords_state_and_exceptions_are_as_in_one_module()
    {
        const string Source = """
            calls = []
            def f(a, *, b=2):
                calls.append(a)
                if a < 0:
                    raise ValueError("below 0: %d" % a)
                return len(calls), b
            """;
        const string Check = """
            assert f(1) == (1, 2)
            assert f(1, b=3) == (2, 3)
            try:
                f(-1)
            except ValueError as fault:
                assert str(fault) == "below 0: -1"
            else:
                assert False
            assert f(0) == (4, 2)
            """;
        Assert.Equal("passed", runner.Run(Source, Check).Why);
    }

    [SkippableTheory]
    [InlineData("def f():\n    return 2\n", "failed: AssertionError: assert f() == 1")]
    [InlineData("def f():\n    return [][0]\n", "failed: IndexError: list index out of range")]
    [InlineData("class Wrong(Exception):\n    pass\ndef f():\n    raise Wrong('so')\n", "failed: Wrong: so")]
    [InlineData("import nothing_of_that_name\ndef f():\n    return 1\n", "failed: ModuleNotFoundError: No module named 'nothing_of_that_name'")]
    [InlineData("def g():\n    return 1\n", "failed: NameError: name 'f' is not defined")]
    [InlineData("", "failed: NameError: name 'f' is not defined")]
    public void The_reason_is_the_errors_last_line(string source, string why) => Assert.Equal(why, runner.Run(source, "assert f() == 1").Why);

    [SkippableFact]
    public void The_same_program_has_the_same_result_each_time()
    {
        const string Source = "import random\ndef f():\n    return [random.random(), list({'a', 'b', 'c', 'd'}), hash('x')]\n";
        var outcomes = Enumerable.Range(0, 3).Select(_ => runner.Run(Source, "raise ValueError(f())").Why).Distinct();
        Assert.StartsWith("failed: ValueError: [0.", Assert.Single(outcomes));
    }

    [SkippableFact]
    public void Outcomes_come_in_the_order_of_programs_and_contexts_are_the_checks_own()
    {
        var programs = Enumerable.Range(0, 7).Select(number => new CodeProgram($"def g():\n    return {number % 3}\n", "assert g() == wanted()", 20)
        {
            Function = "g",
            Context = "def wanted():\n    return 1\ndef g():\n    return 1\n",
        });
        Assert.Equal([false, true, false, false, true, false, false], runner.Run([.. programs]).Select(outcome => outcome.Passed));
    }

    [SkippableFact]
    public void Threads_and_files_of_its_own_are_a_programs_right()
    {
        const string Source = """
            import concurrent.futures
            def f(numbers):
                with open("mine.txt", "w") as file:
                    file.write("2")
                with concurrent.futures.ThreadPoolExecutor(4) as pool:
                    return list(pool.map(lambda number: number * int(open("mine.txt").read()), numbers))
            """;
        Assert.Equal("passed", runner.Run(Source, "assert f([1, 2, 3]) == [2, 4, 6]").Why);
    }
}
