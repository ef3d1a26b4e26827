package reference;

import com.amazon.randomcutforest.IComponentModel;
import com.amazon.randomcutforest.RandomCutForest;
import com.amazon.randomcutforest.executor.SamplerPlusTree;
import com.amazon.randomcutforest.returntypes.DiVector;
import com.amazon.randomcutforest.sampler.CompactSampler;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.LongStream;

/**
 * What can be seen of AWS's forest from outside: each record of standard input is scored, then learned, by one forest
 * for each seed from {@code first_seed} on, {@code seeds} of them.
 *
 * <p>Standard output, little-endian float64, for each seed: the score of each record; how many trees took each
 * record's point into their sample; for each record in {@code attributed} (positions, ascending) the attribution of
 * every coordinate, first above and then below; at the end, for each tree, the sequence numbers of its sample, 0 being
 * the first complete shingle.
 */
public final class Observation {
    private Observation() {
    }

    public static void main(String[] words) throws IOException {
        Arguments arguments = new Arguments(words);
        float[][] records = Records.read(System.in, arguments.integer("dimensions"));
        int[] attributed = arguments.integers("attributed");
        int firstSeed = arguments.integer("first_seed");
        try (OutputStream output = new BufferedOutputStream(System.out, 1 << 16)) {
            for (int seed = firstSeed; seed < firstSeed + arguments.integer("seeds"); seed++) {
                observe(ForestBuilder.build(arguments, seed), records, attributed, output);
            }
        }
    }

    private static void observe(RandomCutForest forest, float[][] records, int[] attributed, OutputStream output)
            throws IOException {
        double[] scores = new double[records.length];
        double[] acceptances = new double[records.length];
        double[] attributions = new double[attributed.length * forest.getDimensions() * 2];
        int filled = 0;
        for (int i = 0; i < records.length; i++) {
            scores[i] = forest.getAnomalyScore(records[i]);
            if (Arrays.binarySearch(attributed, i) >= 0) {
                DiVector attribution = forest.getAnomalyAttribution(records[i]);
                for (int coordinate = 0; coordinate < forest.getDimensions(); coordinate++) {
                    attributions[filled++] = attribution.high[coordinate];
                    attributions[filled++] = attribution.low[coordinate];
                }
            }
            forest.update(records[i]);
            acceptances[i] = treesThatHold(forest, sequenceOfNewest(forest));
        }
        write(output, scores);
        write(output, acceptances);
        write(output, attributions);
        for (IComponentModel<?, ?> tree : forest.getComponents()) {
            write(output, LongStream.of(sequences(tree)).asDoubleStream().toArray());
        }
    }

    /** The number of the newest complete shingle; negative before the first. */
    private static long sequenceOfNewest(RandomCutForest forest) {
        return forest.getTotalUpdates() - forest.getShingleSize();
    }

    private static int treesThatHold(RandomCutForest forest, long sequence) {
        int trees = 0;
        for (IComponentModel<?, ?> tree : forest.getComponents()) {
            if (LongStream.of(sequences(tree)).anyMatch(held -> held == sequence)) {
                trees++;
            }
        }
        return trees;
    }

    private static long[] sequences(IComponentModel<?, ?> tree) {
        CompactSampler sampler = (CompactSampler) ((SamplerPlusTree<?, ?>) tree).getSampler();
        return Arrays.copyOf(sampler.getSequenceIndexArray(), sampler.size());
    }

    private static void write(OutputStream output, double[] numbers) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(numbers.length * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asDoubleBuffer().put(numbers);
        output.write(buffer.array());
    }
}
