package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** A text cut into windows of characters; the label at each position is the next character. */
final class Text {

    private static final int WINDOW = 40;
    /** Enough for an example, and small enough to keep all windows in memory. */
    private static final int MAXIMUM_LENGTH = 200_000;
    private static final double TRAINING_SHARE = 0.9;

    private Text() {
    }

    /** @param file null for the embedded text */
    static TrainTest load(Path file) {
        String text = file == null ? embedded() : read(file);
        if (text.length() > MAXIMUM_LENGTH) {
            text = text.substring(0, MAXIMUM_LENGTH);
        }
        int windows = (text.length() - 1) / WINDOW;
        int training = (int) (TRAINING_SHARE * windows);
        if (training == 0 || training == windows) {
            throw new InputException((file == null ? "the text" : file) + " has " + text.length()
                    + " characters, too few for training and test windows of " + WINDOW);
        }
        int[] alphabet = text.chars().distinct().sorted().toArray();
        return new TrainTest(windows(text, alphabet, 0, training), windows(text, alphabet, training, windows));
    }

    private static DataSet windows(String text, int[] alphabet, int from, int to) {
        INDArray characters = Nd4j.zeros(to - from, alphabet.length, WINDOW);
        INDArray next = Nd4j.zeros(to - from, alphabet.length, WINDOW);
        for (int window = from; window < to; window++) {
            for (int i = 0; i < WINDOW; i++) {
                int position = window * WINDOW + i;
                characters.putScalar(window - from, index(alphabet, text.charAt(position)), i, 1);
                next.putScalar(window - from, index(alphabet, text.charAt(position + 1)), i, 1);
            }
        }
        return new DataSet(characters, next);
    }

    private static int index(int[] alphabet, char character) {
        return Arrays.binarySearch(alphabet, character);
    }

    private static String embedded() {
        try (InputStream in = Text.class.getResourceAsStream("/data/genesis.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new InputException(file + " cannot be read as a text in UTF-8", e);
        }
    }
}
