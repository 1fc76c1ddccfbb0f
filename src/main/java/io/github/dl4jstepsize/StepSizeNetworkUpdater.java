package io.github.dl4jstepsize;

/** A network updater of DL4J with a search for step sizes behind it. */
interface StepSizeNetworkUpdater {

    StepSizeSearch search();
}
