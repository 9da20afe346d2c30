using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.MtBench;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.MtBench;

/// <summary>
/// Awkward grades: in parity, what FastChat's two patterns and <c>literal_eval</c> make of each (run in Python 3.11; null also where that ends FastChat with an
/// error); in fixed, what the judge meant.
/// </summary>
public class GradeVerdictTests
{
    public static TheoryData<string, double?, double?> Verdicts => new()
    {
        { "The answer is good. Rating: [[8]]", 8.0, 8.0 },
        { "Rating: [[7.5]]", 7.5, 7.5 },
        { "Rating: [[10]]", 10.0, 10.0 },
        { "Rating: [[1]]", 1.0, 1.0 },
        { "Rating: [5]", 5.0, 5.0 },
        { "Rating: 7", null, 7.0 },
        { "Rating: 7/10", null, 7.0 },
        { "Rating: **8**", null, 8.0 },
        { "Rating: [[8/10]]", null, 8.0 },
        { "Rating: [[ 6 ]]", null, 6.0 },
        { "Rating: [[rating: 6]]", null, 6.0 },
        { "I rate it [[4]]. On reflection, Rating: [[6]]", 4.0, 6.0 },
        { "In the format \"[[rating]]\", for example \"Rating: [[5]]\". Rating: [[9]]", 5.0, 9.0 },
        { "Rating: [[11]]", 11.0, null },
        { "Rating: [[0]]", 0.0, null },
        { "Rating: [[100]]", 100.0, null },
        { "Rating: [[-1]]", null, null },
        { "Rating: [[-3]]", null, null },
        { "Rating: [[8.]]", 8.0, 8.0 },
        { "Rating: [[08]]", null, 8.0 },
        { "Rating: [[00]]", 0.0, null },
        { "Rating: [[8,5]]", null, 8.5 },
        { "Rating: [[1.5.2]]", null, null },
        { "Rating: [[\uff18]]", null, 8.0 },
        { "Rating: [[\u0668]]", null, 8.0 },
        { "Rating: [[five]]", null, null },
        { "Rating: [[N/A]]", null, null },
        { "Rating: [[5-6]]", null, null },
        { "Rating: [[7]", 7.0, 7.0 },
        { "Rating: [7]]", 7.0, 7.0 },
        { "Rating: [ [7] ]", 7.0, 7.0 },
        { "Rating: [[[7]]]", 7.0, 7.0 },
        { "[[3]][[8]]", 3.0, 8.0 },
        { "See [1] and [2]. Rating: [[6]]", 6.0, 6.0 },
        { "See [1] and [12].", 1.0, 1.0 },
        { "See [3]: Rating: 8", 3.0, 3.0 },
        { "A list x[0] is indexed. The rating is 7.", 0.0, null },
        { "Rating: [[9]] out of 10", 9.0, 9.0 },
        { "Rating: [[9 out of 10]]", null, 9.0 },
        { "Score: [[7]]\n\nThe response is good.", 7.0, 7.0 },
        { "", null, null },
        { " ", null, null },
        { "$ERROR$", null, null },
        { "I'm sorry, but I can't assist with that.", null, null },
        { "[[]]", null, null },
        { "[[10.0]]", 10.0, 10.0 },
        { "[[2e1]]", null, null },
        { "Rating: [[**7**]]", null, 7.0 },
        { "Rating: [[\n8\n]]", null, 8.0 },
        { "Rating: [[8]]\nRating: [[3]]", 8.0, 3.0 },
        { "[[99999999999]]", 99999999999.0, null },
        { "Rating: 10.", null, 10.0 },
        { "rating 6", null, 6.0 },
        { "\u8bc4\u5206\uff1a[[8]]", 8.0, 8.0 },
        { "Rating: \uff3b\uff3b8\uff3d\uff3d", null, 8.0 },
    };

    [Theory]
    [MemberData(nameof(Verdicts))]
    public void A_grade_is_read_as_the_original_reads_it_or_as_it_was_meant(string verdict, double? parity, double? mended)
    {
        Assert.Equal(parity, GradeVerdict.Parse(verdict, EvaluationMode.Parity));
        Assert.Equal(mended, GradeVerdict.Parse(verdict, EvaluationMode.Fixed));
    }
}
